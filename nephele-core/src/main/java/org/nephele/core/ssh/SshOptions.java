package org.nephele.core.ssh;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * How to connect: which keys prove who we are, which files say who the other side is.
 *
 * @param defaultUser when neither the destination nor the configuration names one
 * @param configFiles ssh_config(5) files to honour, what an earlier one says before a later one;
 *     files that do not exist say nothing
 * @param identityFiles private keys, tried in this order when the configuration names none; files
 *     that do not exist are passed over unless {@code identityRequired}
 * @param identityRequired a missing identity file is an error instead of being passed over
 * @param agentSocket of an ssh-agent
 * @param knownHosts files in the known_hosts format; those that do not exist say nothing
 * @param connectTimeout for the TCP connection, and again for handshake and authentication each
 * @param heartbeat how often to ask the other side whether it is still there; after four questions
 *     without an answer the connection is given up. Questions queue behind data, so this has to be
 *     long enough for slow links. Zero: never
 * @param windowBytes how much the other side may send ahead on one channel before we have read it;
 *     at least bandwidth × round trip, or the link is not filled
 */
public record SshOptions(
    String defaultUser,
    List<Path> configFiles,
    List<Path> identityFiles,
    boolean identityRequired,
    Optional<Path> agentSocket,
    List<Path> knownHosts,
    Duration connectTimeout,
    Duration heartbeat,
    long windowBytes) {

  private static final Path GLOBAL_KNOWN_HOSTS = Path.of("/etc/ssh/ssh_known_hosts");

  /**
   * For a person at a terminal: {@code ~/.ssh/config}, the usual key files, the ssh-agent of {@code
   * SSH_AUTH_SOCK}, and the user's and the machine's known hosts. The user is root, for the agent's
   * socket is root's.
   */
  public static SshOptions ofUser() {
    Path folder = Path.of(System.getProperty("user.home"), ".ssh");
    String agent = System.getenv("SSH_AUTH_SOCK");
    return new SshOptions(
        "root",
        List.of(folder.resolve("config"), Path.of("/etc/ssh/ssh_config")),
        List.of(folder.resolve("id_ed25519"), folder.resolve("id_ecdsa"), folder.resolve("id_rsa")),
        false,
        Optional.ofNullable(agent).filter(a -> !a.isEmpty()).map(Path::of),
        List.of(folder.resolve("known_hosts"), GLOBAL_KNOWN_HOSTS),
        Duration.ofSeconds(10),
        Duration.ofSeconds(15),
        16L << 20);
  }

  /**
   * For one agent that talks to another: exactly one key, no ssh-agent, nobody's configuration. The
   * agents ask each other for signs of life more often than this does.
   *
   * @param key usually {@code /etc/nephele/node_key}
   */
  public static SshOptions ofNode(Path key) {
    return new SshOptions(
        "root",
        List.of(),
        List.of(key),
        true,
        Optional.empty(),
        List.of(GLOBAL_KNOWN_HOSTS, Path.of("/root/.ssh/known_hosts")),
        Duration.ofSeconds(10),
        Duration.ofSeconds(15),
        64L << 20);
  }

  public SshOptions withKnownHosts(List<Path> files) {
    return new SshOptions(
        defaultUser,
        configFiles,
        identityFiles,
        identityRequired,
        agentSocket,
        List.copyOf(files),
        connectTimeout,
        heartbeat,
        windowBytes);
  }

  public SshOptions withConnectTimeout(Duration timeout) {
    return new SshOptions(
        defaultUser,
        configFiles,
        identityFiles,
        identityRequired,
        agentSocket,
        knownHosts,
        timeout,
        heartbeat,
        windowBytes);
  }

  public SshOptions withHeartbeat(Duration interval) {
    return new SshOptions(
        defaultUser,
        configFiles,
        identityFiles,
        identityRequired,
        agentSocket,
        knownHosts,
        connectTimeout,
        interval,
        windowBytes);
  }
}
