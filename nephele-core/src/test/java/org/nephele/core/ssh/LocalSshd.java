package org.nephele.core.ssh;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A real OpenSSH server on 127.0.0.1, with its own keys, in a folder of its own; closing it ends it
 * and removes the folder. The user is the one that runs the tests.
 */
public final class LocalSshd implements AutoCloseable {
  private final Path folder;
  private final int port;
  private Process sshd;

  private LocalSshd(Path folder, int port) {
    this.folder = folder;
    this.port = port;
  }

  /** Starts a server that accepts {@link #userKey}s of the types ed25519, ecdsa and rsa. */
  public static LocalSshd start(String... extraConfig) throws IOException {
    Path folder = Files.createTempDirectory("nephele-sshd-");
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    LocalSshd server = new LocalSshd(folder, port);
    try {
      server.prepare(extraConfig);
      server.startProcess();
    } catch (IOException | RuntimeException e) {
      server.close();
      throw e;
    }
    return server;
  }

  private void prepare(String... extraConfig) throws IOException {
    List<String> config = new ArrayList<>();
    config.add("ListenAddress 127.0.0.1");
    config.add("Port " + port);
    for (String type : List.of("ed25519", "ecdsa", "rsa")) {
      keygen(type, "host_" + type, "");
      config.add("HostKey " + folder.resolve("host_" + type));
      keygen(type, "user_" + type, "");
      authorize("", "user_" + type);
    }
    config.add("AuthorizedKeysFile " + folder.resolve("authorized_keys"));
    config.add("PidFile none");
    config.add("UsePAM no");
    config.add("StrictModes no");
    config.add("PasswordAuthentication no");
    config.add("KbdInteractiveAuthentication no");
    config.addAll(List.of(extraConfig));
    Files.write(folder.resolve("sshd_config"), config);
    trustHostKey("ed25519");
  }

  private void startProcess() throws IOException {
    Files.createDirectories(Path.of("/run/sshd")); // sshd's privilege separation wants it
    sshd =
        new ProcessBuilder("/usr/sbin/sshd", "-D", "-e", "-f", folder + "/sshd_config")
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("log").toFile())
            .start();
    long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (true) {
      try {
        new Socket(InetAddress.getLoopbackAddress(), port).close();
        return;
      } catch (IOException e) {
        if (!sshd.isAlive() || System.nanoTime() > deadline) {
          throw new IOException("sshd did not start: " + log(), e);
        }
        sleep(20);
      }
    }
  }

  private static void sleep(long ms) {
    try {
      Thread.sleep(ms);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Makes a key pair in the folder. */
  public Path keygen(String type, String name, String passphrase) throws IOException {
    Path key = folder.resolve(name);
    List<String> command = new ArrayList<>();
    command.addAll(List.of("ssh-keygen", "-q", "-t", type, "-N", passphrase, "-f", key.toString()));
    if (type.equals("rsa")) {
      command.addAll(List.of("-b", "2048"));
    }
    run(command.toArray(String[]::new));
    return key;
  }

  /** Runs a program to its end and returns what it wrote. */
  public static String run(String... command) throws IOException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes());
    try {
      if (process.waitFor() != 0) {
        throw new IOException(String.join(" ", command) + ": " + output);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
    return output;
  }

  /** Lets a key of the folder in, with options such as {@code restrict,command="…"}. */
  public void authorize(String options, String keyName) throws IOException {
    String key = Files.readString(folder.resolve(keyName + ".pub"));
    Files.writeString(
        folder.resolve("authorized_keys"),
        (options.isEmpty() ? "" : options + " ") + key,
        StandardOpenOption.CREATE,
        StandardOpenOption.APPEND);
  }

  /** Writes the known_hosts file anew, with the host's key of that type. */
  public void trustHostKey(String type) throws IOException {
    String key = Files.readString(folder.resolve("host_" + type + ".pub"));
    Files.writeString(knownHosts(), "[127.0.0.1]:" + port + " " + key);
  }

  public Path userKey(String type) {
    return folder.resolve("user_" + type);
  }

  public Path knownHosts() {
    return folder.resolve("known_hosts");
  }

  public Path folder() {
    return folder;
  }

  public int port() {
    return port;
  }

  public String address() {
    return System.getProperty("user.name") + "@127.0.0.1:" + port;
  }

  public Destination destination() {
    try {
      return Destination.parse(address());
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  /** With exactly one key, no configuration, no agent, and the known_hosts file of the folder. */
  public SshOptions options(Path key) {
    return new SshOptions(
        "root",
        List.of(),
        List.of(key),
        true,
        Optional.empty(),
        List.of(knownHosts()),
        Duration.ofSeconds(10),
        Duration.ZERO,
        16L << 20);
  }

  public String log() {
    try {
      return Files.readString(folder.resolve("log"));
    } catch (IOException e) {
      return "";
    }
  }

  /** Ends the server and all connections to it at once, as a node that loses power does. */
  public void kill() {
    if (sshd != null) {
      List<ProcessHandle> sessions = sshd.descendants().toList();
      sshd.destroyForcibly();
      sessions.forEach(ProcessHandle::destroyForcibly);
      try {
        sshd.waitFor(5, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Override
  public void close() {
    kill();
    try (Stream<Path> files = Files.walk(folder)) {
      files.sorted((a, b) -> b.compareTo(a)).forEach(LocalSshd::delete);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void delete(Path path) {
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
