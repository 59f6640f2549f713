/**
 * libvirt's RPC, as far as a relay between a client and a libvirtd must understand it.
 *
 * <p>A packet is big-endian: {@code u32 length} (of all of it, these four bytes included), {@code
 * u32 program}, {@code u32 version}, {@code u32 procedure}, {@code u32 type}, {@code u32 serial},
 * {@code u32 status}, payload (XDR). Source: libvirt's src/rpc/virnetprotocol.x and
 * src/remote/remote_protocol.x; the numbers are part of libvirt's stable wire protocol.
 *
 * <p>libvirt's migration (managed, version 3 with parameters) makes these calls; D is the
 * destination's libvirtd, behind the relay, S the source's, which the client talks to directly:
 *
 * <pre>
 *   S Begin      gets the XML
 *   D Prepare    303: QEMU is started there, waiting
 *   S Perform    disk and memory go over
 *   D Finish     306: with cancelled=0: QEMU there has it all; is left paused. cancelled=1: is killed
 *   S Confirm    the source is killed; or, when Finish failed or its reply was lost, runs on
 * </pre>
 *
 * The reply to Finish is what decides. libvirt 9.0 lets the source run on within 14 ms when that
 * reply is lost, so {@link org.nephele.core.libvirtrpc.LibvirtRelay} hands it on, and closes the
 * connection, only when its {@link org.nephele.core.libvirtrpc.FinishGate} says so.
 *
 * <p>libvirtd sends keep-alive PINGs to its clients and cuts the connection when five went
 * unanswered (25 s). A slow or stalled link must not look like a dead client, so the relay next to
 * whoever asks answers at once, and no PING crosses the link.
 *
 * <p>Only the calls of a migration pass, and at the destination only what {@link
 * org.nephele.core.libvirtrpc.MigrationRules} allow of them. The relay is what stands between
 * another node's agent and this node's libvirtd, which can do anything to this machine. libvirt 9.0
 * and 11.3 say the same: authentication methods (66), features (60), open {@code qemu:///system}
 * (1), Prepare, Finish, close (2); the flags without VIR_MIGRATE_ABORT_ON_ERROR, which concerns the
 * source; Finish repeats Prepare's parameters and adds {@code destination_name}.
 */
package org.nephele.core.libvirtrpc;
