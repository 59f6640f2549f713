package org.nephele.server.peer;

import java.io.IOException;
import java.nio.file.Path;
import org.nephele.core.mux.Hello;
import org.nephele.core.mux.Link;
import org.nephele.core.mux.WrongVersionException;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.nephele.core.ssh.Destination;
import org.nephele.core.ssh.SshConnection;
import org.nephele.core.ssh.SshOptions;
import org.nephele.core.ssh.SshStream;

/** Makes connections to other agents. Thread-safe. */
public final class PeerConnector {
  /** What is asked for; the key's forced command is what runs. */
  private static final String COMMAND = "/usr/lib/nephele-server/nephele-peer";

  private final Path nodeKey;
  private final Hello mine;

  /**
   * @param nodeKey the private key that this node shows to others
   */
  public PeerConnector(Path nodeKey, Hello mine) {
    this.nodeKey = nodeKey;
    this.mine = mine;
  }

  /**
   * Connects and greets; {@link PeerSession#start} must follow. Blocks for a minute and a half at
   * most.
   *
   * @throws NepheleException UNREACHABLE with a sentence that says what to look at, INCOMPATIBLE,
   *     or USAGE
   */
  public PeerSession connect(Destination destination, PeerEvents events) throws NepheleException {
    SshConnection connection = SshConnection.open(destination, SshOptions.ofNode(nodeKey));
    SshStream stream;
    try {
      stream = connection.exec(COMMAND);
    } catch (NepheleException | RuntimeException e) {
      connection.close();
      throw e;
    }
    Link link =
        new Link(
            stream.in(),
            stream.out(),
            () -> {
              stream.close();
              connection.close();
            });
    try {
      return PeerSession.greet(link, true, mine, events);
    } catch (WrongVersionException e) {
      throw new NepheleException(
          ErrorKind.INCOMPATIBLE, destination.host() + ": " + e.getMessage() + ".", e);
    } catch (IOException e) {
      String said = stream.errorText().strip().replaceAll("\\p{C}+", " ");
      throw new NepheleException(
          ErrorKind.UNREACHABLE,
          "The agent on "
              + destination.host()
              + " can't be reached: "
              + (said.isEmpty() ? e.getMessage() : said)
              + ". Is it running ('systemctl status nephele' there), and is this node's key in its"
              + " authorized_keys with the command nephele-peer?",
          e);
    }
  }
}
