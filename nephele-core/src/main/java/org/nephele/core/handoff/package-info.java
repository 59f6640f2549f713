/**
 * What two agents say to each other when an instance is handed off, and who may run it at every
 * moment: messages, and one pure step function a side. No clock, no thread, no file, no socket
 * here; {@code org.nephele.server.handoff} carries out the actions and brings the events.
 *
 * <h2>The conversation</h2>
 *
 * <pre>
 *   source                                                     destination
 *     | PREPARE plan                                                |
 *     |------------------------------------------------------------&gt;| checks image, ports, CPU ...
 *     |                                                             | folder, overlay, journal: PREPARED
 *     |&lt;--------------------------------------- PREPARED, or REFUSED |
 *     | libvirt's migration through streams "libvirt", "qemu", "nbd"|
 *     |&lt;===========================================================&gt;|
 *     |                                    libvirtd there: Finish done, its QEMU is paused
 *     |                                                             | forwards added, journal: READY
 *     |&lt;--------------------------------- READY, then Finish's reply |
 *     | the reply is held. Journal: COMMITTED                       |
 *     | COMMIT                                                      |
 *     |------------------------------------------------------------&gt;| resumes
 *     |&lt;---------------------------------------------------- RUNNING |
 *     |                                                             | journal: TAKEN, clock set
 *     |&lt;------------------------------------------------------ TAKEN |
 *     | the reply passes: libvirt kills the source                  |
 *     | files deleted, journal removed                              |
 * </pre>
 *
 * Before COMMIT either side may give up: ABORT or FAILED, answered with or followed by DESTROYED.
 *
 * <h2>Who may run the instance</h2>
 *
 * <ul>
 *   <li>The source, until its journal says COMMITTED on disk. From then on never again, unless the
 *       destination says that it has no copy and never ran one. Its paused domain is kept until the
 *       destination says TAKEN: before that it may be the only copy.
 *   <li>The destination, once it has received COMMIT. Never on its own: not after a timeout, not
 *       after a restart. A READY copy stays paused until the source has said COMMIT or ABORT, and
 *       it is the source that comes back to say it: keys may be good for one direction only. If the
 *       copy is gone when COMMIT comes, the destination gives it back (DESTROYED) when it knows
 *       that it never ran; after a restart it can't know, and says FAILED, for people to decide.
 * </ul>
 *
 * So the source may go on by itself when the connection is lost before COMMIT was written: what the
 * destination holds can't run. And it must not when COMMIT may be on disk: it first takes that
 * back, durably, or tells the destination.
 *
 * <h2>Source</h2>
 *
 * <pre>
 *   IDLE --&gt; PREPARING --&gt; MOVING --ready, reply held--&gt; DECIDING --written--&gt; GIVEN --taken, gone--&gt; MOVED
 *               |            |                              |                   |
 *               | refused    | lost, failed, cancelled      | lost, failed      | destination never had it
 *               v            v                              v                   v
 *              KEPT &lt;----- ABORTING &lt;-----------------------+-------------------+
 *                           libvirt has returned, copy destroyed or connection lost, journal clean
 * </pre>
 *
 * <h2>Destination</h2>
 *
 * <pre>
 *   PREPARING --&gt; PREPARED --finish--&gt; VERIFYING --written--&gt; READY --commit--&gt; TAKING --written--&gt; TAKEN
 *       |            |                    |                     |
 *       +------------+--- lost, abort, failed                   | abort (a lost connection: waits)
 *                    v                                          v
 *                 REMOVING ----------------------------------------------------------------------&gt; GONE
 * </pre>
 */
package org.nephele.core.handoff;
