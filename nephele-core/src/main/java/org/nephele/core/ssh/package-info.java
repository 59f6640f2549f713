/**
 * SSH: how a client reaches a node's agent, and how one agent reaches another. The only package
 * that imports {@code org.apache.sshd}; what leaves it are plain streams and {@link
 * org.nephele.core.protocol.NepheleException}s of the kind UNREACHABLE.
 *
 * <pre>
 *   Destination --.
 *   SshOptions ----+--&gt; SshConnection.open --&gt; openSocket(path) --&gt; SshStream
 *   (SshConfig,    |                       '-&gt; exec(command) ----&gt; SshStream
 *    KnownHosts,   |
 *    identities) --'
 * </pre>
 *
 * <p>Host keys are always checked strictly, against files that somebody wrote: nothing here asks,
 * and nothing here adds a key. Only public keys authenticate.
 */
package org.nephele.core.ssh;
