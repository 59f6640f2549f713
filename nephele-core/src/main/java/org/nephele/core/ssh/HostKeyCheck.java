package org.nephele.core.ssh;

import java.io.IOException;
import java.net.SocketAddress;
import java.nio.file.Path;
import java.security.PublicKey;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import org.apache.sshd.client.keyverifier.ServerKeyVerifier;
import org.apache.sshd.client.session.ClientSession;
import org.apache.sshd.common.config.keys.KeyUtils;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;

/** Strict checking of one host's key; keeps the sentence that says why it was refused. */
final class HostKeyCheck implements ServerKeyVerifier {
  private final String node;
  private final String knownAs;
  private final String host;
  private final int port;
  private final List<Path> files;
  private final KnownHosts known;
  private volatile NepheleException refusal;

  /**
   * @param knownAs the name in the known_hosts files
   */
  HostKeyCheck(String node, String knownAs, String host, int port, List<Path> files)
      throws IOException {
    this.node = node;
    this.knownAs = knownAs;
    this.host = host;
    this.port = port;
    this.files = files;
    this.known = KnownHosts.read(files, knownAs);
  }

  /** Types of keys that are known for this host. */
  Set<String> types() {
    return known.types();
  }

  /** Why the key was refused; null when it was not. */
  NepheleException refusal() {
    return refusal;
  }

  @Override
  public boolean verifyServerKey(ClientSession session, SocketAddress address, PublicKey key) {
    String type = KeyUtils.getKeyType(key);
    byte[] blob = Identities.blob(key);
    String fingerprint = KeyUtils.getFingerPrint(key);
    String line = knownAs + " " + type + " " + Base64.getEncoder().encodeToString(blob);
    String file = files.isEmpty() ? "~/.ssh/known_hosts" : files.get(0).toString();
    switch (known.verdict(type, blob)) {
      case KNOWN:
        return true;
      case UNKNOWN:
        refuse(
            "the host key of "
                + node
                + " is unknown ("
                + type
                + " "
                + fingerprint
                + "), so it could be anybody: compare it with what  ssh-keygen -lf /etc/ssh/ssh_host_"
                + type.replaceAll("^(ssh-|)(ed25519|rsa|ecdsa).*", "$2")
                + "_key.pub  says there, then add this line to "
                + file
                + " (or connect once with  ssh"
                + (port == 22 ? " " : " -p " + port + " ")
                + host
                + " ):\n"
                + line);
        return false;
      case CHANGED:
        refuse(
            "THE HOST KEY OF "
                + node
                + " HAS CHANGED ("
                + type
                + " "
                + fingerprint
                + "; another one is in "
                + known.places()
                + "): somebody may be between us and it, and nothing was sent. If the node was"
                + " installed anew, remove the old key with  ssh-keygen -R '"
                + knownAs
                + "'  and add the new one");
        return false;
      case REVOKED:
      default:
        refuse("the host key of " + node + " is marked as revoked; nothing was sent");
        return false;
    }
  }

  private void refuse(String sentence) {
    refusal = new NepheleException(ErrorKind.UNREACHABLE, sentence);
  }
}
