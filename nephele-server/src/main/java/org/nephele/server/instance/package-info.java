/**
 * Running VMs: {@link org.nephele.server.instance.Instances} knows those of this node, {@link
 * org.nephele.server.instance.RunInstance} makes one from a snapshot, {@link
 * org.nephele.server.instance.VmControl} pauses and stops them.
 *
 * <p>Which VMs run is libvirt's to say. An instance's folder adds what libvirt does not know:
 *
 * <pre>
 *   /var/nephele/instances/UUID/
 *     instance.json   {@link org.nephele.server.instance.InstanceRecord}
 *     disk.qcow2      overlay over the image's disk
 *     console.log     what the guest wrote to its serial console
 *
 *   STARTING --+                        power-off, virsh destroy
 *              +--&gt; RUNNING --+-----------------------------------&gt; folder removed
 *   ARRIVING --+              |         handed off
 *                             +--&gt; LOST  the node went down, or QEMU died: the overlay is kept,
 *                                        for it may be the only copy of somebody's work
 * </pre>
 *
 * STARTING that finds no agent to finish it is removed; ARRIVING is settled by the handoff.
 */
package org.nephele.server.instance;
