package org.nephele.core.ssh;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.channels.UnresolvedAddressException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.apache.sshd.client.SshClient;
import org.apache.sshd.client.channel.AbstractClientChannel;
import org.apache.sshd.client.future.ConnectFuture;
import org.apache.sshd.client.session.ClientSession;
import org.apache.sshd.client.session.ClientSessionImpl;
import org.apache.sshd.common.SshConstants;
import org.apache.sshd.common.SshException;
import org.apache.sshd.common.session.ConnectionService;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;

/**
 * An authenticated SSH connection to a node. Any number of streams may be open on it at a time.
 * Thread-safe. All errors of opening are of kind UNREACHABLE, but for a wrong configuration, which
 * is USAGE.
 */
public final class SshConnection implements AutoCloseable {
  private static final Pattern SAFE_PATH = Pattern.compile("[A-Za-z0-9/_.][A-Za-z0-9/_.-]*");

  private final String node;
  private final String user;
  private final SshClient client;
  private final ClientSession session;
  private final Duration timeout;
  private volatile boolean closed;

  private SshConnection(
      String node, String user, SshClient client, ClientSession session, Duration timeout) {
    this.node = node;
    this.user = user;
    this.client = client;
    this.session = session;
    this.timeout = timeout;
  }

  /**
   * Connects, checks the host's key and authenticates. Blocks for at most three times {@link
   * SshOptions#connectTimeout} and as long again for each further address of the host.
   */
  public static SshConnection open(Destination destination, SshOptions options)
      throws NepheleException {
    SshConfig config = SshConfig.read(options.configFiles(), destination.host());
    config.refuseUnsupported();
    String host = config.hostName();
    int port = destination.port().orElse(config.port().orElse(22));
    String user = destination.user().or(config::user).orElse(options.defaultUser());
    String node = destination.host() + (port == 22 ? "" : ":" + port);
    Identities identities = identities(options, config);

    String known =
        config
            .hostKeyAlias()
            .map(alias -> KnownHosts.nameOf(alias, 22)) // an alias goes without the port
            .orElse(KnownHosts.nameOf(host, port));
    List<Path> knownFiles = config.knownHosts(options.knownHosts());
    HostKeyCheck check;
    try {
      check = new HostKeyCheck(node, known, host, port, knownFiles);
    } catch (IOException e) {
      throw unreachable("the known hosts can't be read: " + e.getMessage(), e);
    }
    InetAddress[] addresses;
    try {
      addresses = InetAddress.getAllByName(host);
    } catch (UnknownHostException e) {
      throw unreachable(
          "the name " + host + " can't be resolved: is it spelled right, is there a network?", e);
    }
    SshClient client = Algorithms.client(options, check, identities);
    try {
      client.start();
      ClientSession session =
          connect(client, user, node, addresses, port, options.connectTimeout());
      authenticate(session, node, user, check, identities, options.connectTimeout());
      return new SshConnection(node, user, client, session, options.connectTimeout());
    } catch (NepheleException | RuntimeException | Error e) {
      client.close(true);
      throw e;
    }
  }

  private static Identities identities(SshOptions options, SshConfig config)
      throws NepheleException {
    List<Path> files = config.identityFiles();
    if (files.isEmpty()) {
      files = options.identityFiles();
    }
    if (options.identityRequired()) {
      for (Path file : files) {
        if (!Files.isReadable(file)) {
          throw unreachable(
              "this node's key " + file + " is missing or can't be read: run its setup again",
              null);
        }
      }
    }
    Optional<Path> agent = config.agentSocket(options.agentSocket());
    return new Identities(files, config.identitiesOnly(), agent);
  }

  private static ClientSession connect(
      SshClient client,
      String user,
      String node,
      InetAddress[] addresses,
      int port,
      Duration timeout)
      throws NepheleException {
    NepheleException last = null;
    for (InetAddress address : addresses) {
      try {
        // The literal address: MINA resolves the host's name again where there is one.
        ConnectFuture future =
            client.connect(user, new InetSocketAddress(address.getHostAddress(), port));
        return future.verify(timeout).getSession();
      } catch (IOException | UnresolvedAddressException e) {
        last = cannotConnect(node, address, port, timeout, e);
      }
    }
    throw last;
  }

  private static NepheleException cannotConnect(
      String node, InetAddress address, int port, Duration timeout, Exception e) {
    String where = address.getHostAddress() + " port " + port;
    for (Throwable t = e; t != null; t = t.getCause()) {
      if (t instanceof TimeoutException) {
        return unreachable(
            node + " does not answer (" + where + ", " + timeout.toSeconds() + " s): is it up?", e);
      }
      if (t instanceof ConnectException && String.valueOf(t.getMessage()).contains("refused")) {
        return unreachable(
            node + " refuses connections (" + where + "): is its SSH server running?", e);
      }
    }
    return unreachable(node + " can't be reached (" + where + "): " + reason(e), e);
  }

  private static void authenticate(
      ClientSession session,
      String node,
      String user,
      HostKeyCheck check,
      Identities identities,
      Duration timeout)
      throws NepheleException {
    try {
      session.auth().verify(timeout.multipliedBy(2));
    } catch (IOException e) {
      if (check.refusal() != null) {
        throw check.refusal();
      }
      for (Throwable t = e; t != null; t = t.getCause()) {
        if (t instanceof TimeoutException) {
          throw unreachable(
              node + " accepted the connection and then did not answer as an SSH server does", e);
        }
        if (t instanceof SshException ssh
            && ssh.getDisconnectCode()
                == SshConstants.SSH2_DISCONNECT_NO_MORE_AUTH_METHODS_AVAILABLE) {
          throw unreachable(
              node
                  + " does not let "
                  + user
                  + " in with any of our keys ("
                  + identities.outcome()
                  + "): add a public key to ~"
                  + user
                  + "/.ssh/authorized_keys there",
              e);
        }
      }
      throw unreachable("the SSH handshake with " + node + " failed: " + reason(e), e);
    }
  }

  /**
   * A stream to the unix socket at that path on the node, opened there as the user that logged in.
   */
  public SshStream openSocket(String path) throws NepheleException {
    StreamLocalChannel channel = new StreamLocalChannel(path);
    try {
      open(channel);
    } catch (IOException e) {
      if (!session.isOpen()) {
        throw unreachable(whyClosed().getMessage(), e);
      }
      throw unreachable(whyNoSocket(path), e);
    }
    return new SshStream(this, channel, channel.inbox(), () -> "");
  }

  /** sshd says "open failed" and nothing else, whatever the reason: look for ourselves. */
  private String whyNoSocket(String path) {
    if (!user.equals("root")) {
      return node + " does not let " + user + " open " + path + ": log in as root";
    }
    int status = SAFE_PATH.matcher(path).matches() ? run("test -S " + path) : -1;
    return switch (status) {
      case 0 ->
          path
              + " is there on "
              + node
              + " and can't be opened: its sshd_config may say AllowStreamLocalForwarding no, or the"
              + " agent has ended without removing it (systemctl status nephele)";
      case 1 ->
          "the agent is not running on "
              + node
              + " (there is no "
              + path
              + "): see  systemctl status nephele  there";
      default -> node + " does not let us open " + path + ": is the agent running there?";
    };
  }

  /** The exit status of a command without output, -1 when it can't be had. */
  private int run(String command) {
    try (SshStream stream = exec(command)) {
      stream.endOutput();
      stream.in().readAllBytes();
      for (int i = 0; i < 100 && stream.exitStatus().isEmpty(); i++) {
        Thread.sleep(10); // it follows the end of the output
      }
      return stream.exitStatus().orElse(-1);
    } catch (IOException | NepheleException e) {
      return -1;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return -1;
    }
  }

  /**
   * Starts a command; its stdin and stdout are the stream. Where the key has a forced command, that
   * one is started whatever is said here.
   */
  public SshStream exec(String command) throws NepheleException {
    ExecChannel channel = new ExecChannel(command);
    try {
      open(channel);
    } catch (IOException e) {
      throw unreachable(node + " does not start commands for us: " + reason(e), e);
    }
    Supplier<String> errors = channel::errorText;
    return new SshStream(this, channel, channel.inbox(), errors);
  }

  private void open(AbstractClientChannel channel) throws IOException {
    ConnectionService service = ((ClientSessionImpl) session).getService(ConnectionService.class);
    service.registerChannel(channel);
    try {
      channel.open().verify(timeout);
    } catch (IOException e) {
      channel.close(true);
      throw e;
    }
  }

  /** The destination's host as it was typed, with the port where it is not 22. */
  public String node() {
    return node;
  }

  public boolean isOpen() {
    return session.isOpen();
  }

  /** What to tell a reader or writer whose channel has ended. */
  IOException whyClosed() {
    return new IOException(
        closed
            ? "the connection to " + node + " was closed"
            : session.isOpen() && !session.isClosing()
                ? node + " closed the stream"
                : "the SSH connection to " + node + " was lost");
  }

  /** Ends all streams. Never waits for the network. Idempotent. */
  @Override
  public void close() {
    closed = true;
    session.close(true);
    client.close(true);
  }

  /** The message of the deepest cause, on one line; it may be the other side's words. */
  private static String reason(Throwable e) {
    Throwable t = e;
    while (t.getCause() != null) {
      t = t.getCause();
    }
    String text = t.getMessage() == null ? t.getClass().getSimpleName() : t.getMessage();
    return text.substring(0, Math.min(text.length(), 300)).replaceAll("\\p{C}", "?");
  }

  private static NepheleException unreachable(String message, Throwable cause) {
    return new NepheleException(ErrorKind.UNREACHABLE, message, cause);
  }
}
