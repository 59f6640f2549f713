/**
 * The way from one agent to another: SSH with the node's own key, whose forced command at the other
 * node ({@code nephele-peer}) is connected to {@code /run/nephele/peer.sock}, and on that a {@link
 * org.nephele.core.mux.MuxSession}.
 *
 * <pre>
 *   agent ── MINA ── ssh, node key ──► sshd ── nephele-peer (socat) ──► /run/nephele/peer.sock ── agent
 *            {@link org.nephele.server.peer.PeerConnector}                        {@link org.nephele.server.peer.PeerListener}
 * </pre>
 *
 * Who speaks first is the source of a handoff; only it opens streams. Knows nothing of what a
 * handoff is.
 */
package org.nephele.server.peer;
