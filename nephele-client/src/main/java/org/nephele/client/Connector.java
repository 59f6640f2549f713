package org.nephele.client;

import java.util.Optional;
import org.nephele.core.protocol.NepheleException;
import org.nephele.core.ssh.Destination;
import org.nephele.core.ssh.SshConnection;
import org.nephele.core.ssh.SshOptions;
import org.nephele.core.ssh.SshStream;

/** How to get to the agent of a host. The seam at which tests put an agent without SSH. */
public interface Connector {
  /** Where the agent listens, on each node. */
  String SOCKET = "/run/nephele/agent.sock";

  AgentConnection connect(String host) throws NepheleException;

  /**
   * Over SSH, localhost too.
   *
   * @param socket another path than {@link #SOCKET}, for trying things out
   */
  static Connector overSsh(Optional<String> socket) {
    return host -> {
      SshConnection ssh = SshConnection.open(Destination.parse(host), SshOptions.ofUser());
      try {
        SshStream stream = ssh.openSocket(socket.orElse(SOCKET));
        return new AgentConnection(ssh.node(), stream.in(), stream.out(), ssh);
      } catch (NepheleException e) {
        ssh.close();
        throw e;
      }
    };
  }
}
