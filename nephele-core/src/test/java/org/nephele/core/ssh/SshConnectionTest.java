package org.nephele.core.ssh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;

/** Against a real sshd. */
@Timeout(120)
class SshConnectionTest {
  private static LocalSshd sshd;

  @BeforeAll
  static void start() throws IOException {
    sshd = LocalSshd.start();
  }

  @AfterAll
  static void stop() {
    sshd.close();
  }

  private static SshConnection open(String keyType) throws NepheleException {
    return SshConnection.open(sshd.destination(), sshd.options(sshd.userKey(keyType)));
  }

  private static String run(SshConnection connection, String command) throws Exception {
    try (SshStream stream = connection.exec(command)) {
      return new String(stream.in().readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"ed25519", "ecdsa", "rsa"})
  void everyTypeOfUserKeyLogsIn(String type) throws Exception {
    try (SshConnection connection = open(type)) {
      assertThat(run(connection, "echo hello")).isEqualTo("hello\n");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"ed25519", "ecdsa", "rsa"})
  void everyTypeOfHostKeyIsChecked(String type) throws Exception {
    Path known = Files.createTempFile(sshd.folder(), "known", "");
    Files.writeString(
        known,
        "[127.0.0.1]:"
            + sshd.port()
            + " "
            + Files.readString(sshd.folder().resolve("host_" + type + ".pub")));
    SshOptions options =
        sshd.options(sshd.userKey("ed25519")).withKnownHosts(List.of(Path.of("/nowhere"), known));
    try (SshConnection connection = SshConnection.open(sshd.destination(), options)) {
      assertThat(run(connection, "echo hello")).isEqualTo("hello\n");
    }
  }

  @Test
  void hashedNamesAreFound() throws Exception {
    Path known = Files.createTempFile(sshd.folder(), "hashed", "");
    Files.copy(sshd.knownHosts(), known, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    LocalSshd.run("ssh-keygen", "-q", "-H", "-f", known.toString());
    assertThat(Files.readString(known)).startsWith("|1|");
    SshOptions options = sshd.options(sshd.userKey("ed25519")).withKnownHosts(List.of(known));
    SshConnection.open(sshd.destination(), options).close();
  }

  @Test
  void anUnknownHostIsRefusedWithTheLineThatWouldAddIt() throws Exception {
    Path known = Files.createTempFile(sshd.folder(), "none", "");
    SshOptions options = sshd.options(sshd.userKey("ed25519")).withKnownHosts(List.of(known));
    String[] line = new String[1];
    assertThatThrownBy(() -> SshConnection.open(sshd.destination(), options))
        .isInstanceOfSatisfying(
            NepheleException.class,
            e -> {
              assertThat(e.kind()).isEqualTo(ErrorKind.UNREACHABLE);
              line[0] = e.getMessage().lines().reduce((a, b) -> b).orElseThrow();
            })
        .hasMessageContaining("is unknown")
        .hasMessageContaining(known.toString());
    Files.writeString(known, line[0] + "\n");
    SshConnection.open(sshd.destination(), options).close();
  }

  @Test
  void aChangedHostKeyIsRefused() throws Exception {
    sshd.keygen("ed25519", "stranger", "");
    Path known = Files.createTempFile(sshd.folder(), "changed", "");
    Files.writeString(
        known,
        "[127.0.0.1]:"
            + sshd.port()
            + " "
            + Files.readString(sshd.folder().resolve("stranger.pub")));
    assertThatThrownBy(
            () ->
                SshConnection.open(
                    sshd.destination(),
                    sshd.options(sshd.userKey("ed25519")).withKnownHosts(List.of(known))))
        .isInstanceOf(NepheleException.class)
        .hasMessageContaining("HAS CHANGED")
        .hasMessageContaining("ssh-keygen -R '[127.0.0.1]:" + sshd.port() + "'")
        .hasMessageContaining(known + " line 1");
  }

  @Test
  void aKeyThatNobodyLetInIsNamed() throws Exception {
    Path key = sshd.keygen("ed25519", "outsider", "");
    assertThatThrownBy(() -> SshConnection.open(sshd.destination(), sshd.options(key)))
        .isInstanceOfSatisfying(
            NepheleException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.UNREACHABLE))
        .hasMessageContaining("with any of our keys")
        .hasMessageContaining(key.toString());
  }

  @Test
  void anEncryptedKeyIsSentToTheAgentWhichThenLogsIn() throws Exception {
    Path key = sshd.keygen("ed25519", "locked", "secret");
    sshd.authorize("", "locked");
    assertThatThrownBy(() -> SshConnection.open(sshd.destination(), sshd.options(key)))
        .hasMessageContaining("ssh-add " + key);

    Path socket = sshd.folder().resolve("agent");
    Process agent =
        new ProcessBuilder("ssh-agent", "-D", "-a", socket.toString())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      while (!Files.exists(socket)) {
        Thread.sleep(10);
      }
      Path askpass = sshd.folder().resolve("askpass");
      Files.writeString(askpass, "#!/bin/sh\necho secret\n");
      LocalSshd.run("chmod", "700", askpass.toString());
      LocalSshd.run(
          "env",
          "SSH_AUTH_SOCK=" + socket,
          "SSH_ASKPASS=" + askpass,
          "SSH_ASKPASS_REQUIRE=force",
          "ssh-add",
          key.toString());
      SshOptions plain = sshd.options(sshd.folder().resolve("missing"));
      SshOptions options =
          new SshOptions(
              "root",
              List.of(),
              List.of(),
              false,
              Optional.of(socket),
              plain.knownHosts(),
              plain.connectTimeout(),
              plain.heartbeat(),
              plain.windowBytes());
      try (SshConnection connection = SshConnection.open(sshd.destination(), options)) {
        assertThat(run(connection, "echo via agent")).isEqualTo("via agent\n");
      }
    } finally {
      agent.destroy();
      agent.waitFor();
    }
  }

  @Test
  void aKeyThatOthersMayReadIsNotUsed() throws Exception {
    Path key = sshd.keygen("ed25519", "public", "");
    LocalSshd.run("chmod", "644", key.toString());
    assertThatThrownBy(() -> SshConnection.open(sshd.destination(), sshd.options(key)))
        .hasMessageContaining("chmod 600 " + key);
  }

  @Test
  void aPortWithoutServerAndANameWithoutAddressAreSaidSo() throws Exception {
    assertThatThrownBy(
            () ->
                SshConnection.open(
                    Destination.parse("127.0.0.1:1"), sshd.options(sshd.userKey("ed25519"))))
        .hasMessageContaining("refuses connections (127.0.0.1 port 1)");
    assertThatThrownBy(
            () ->
                SshConnection.open(
                    Destination.parse("no-such-host.invalid"),
                    sshd.options(sshd.userKey("ed25519"))))
        .hasMessageContaining("no-such-host.invalid can't be resolved");
  }

  @Test
  void aSocketThatIsNotThereNamesTheAgent() throws Exception {
    try (SshConnection connection = open("ed25519")) {
      assertThatThrownBy(() -> connection.openSocket(sshd.folder() + "/nobody.sock"))
          .isInstanceOf(NepheleException.class)
          .hasMessageContaining("the agent is not running on 127.0.0.1");
    }
  }

  @Test
  void aForcedCommandRunsWhateverIsAskedAndOpensNoSocket() throws Exception {
    sshd.keygen("ed25519", "peer", "");
    sshd.authorize("restrict,command=\"echo forced; echo trouble >&2; exit 3\"", "peer");
    try (SshConnection connection =
        SshConnection.open(sshd.destination(), sshd.options(sshd.folder().resolve("peer")))) {
      SshStream stream = connection.exec("rm -rf everything");
      assertThat(stream.in().readAllBytes()).asString().isEqualTo("forced\n");
      for (int i = 0; i < 100 && stream.exitStatus().isEmpty(); i++) {
        Thread.sleep(10);
      }
      assertThat(stream.errorText()).isEqualTo("trouble\n");
      assertThat(stream.exitStatus()).hasValue(3);
      assertThatThrownBy(() -> connection.openSocket("/run/anything.sock"))
          .isInstanceOf(NepheleException.class);
    }
  }

  @Test
  void bytesGoBothWaysUnchangedAndEachHalfEndsByItself() throws Exception {
    long size = 200_000_000;
    Path path = sshd.folder().resolve("digest.sock");
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        SshConnection connection = open("ed25519")) {
      server.bind(UnixDomainSocketAddress.of(path));
      // The server sends its bytes while it receives, and answers with the digest after our end.
      CompletableFuture<byte[]> received =
          CompletableFuture.supplyAsync(() -> serveDigest(server, size));
      try (SshStream stream = connection.openSocket(path.toString())) {
        CompletableFuture<byte[]> sent =
            CompletableFuture.supplyAsync(
                () -> {
                  try {
                    byte[] digest = send(stream.out(), size, 1);
                    stream.endOutput();
                    return digest;
                  } catch (IOException e) {
                    throw new IllegalStateException(e);
                  }
                });
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        InputStream in = stream.in();
        long left = size;
        byte[] buffer = new byte[1 << 16];
        while (left > 0) {
          int n = in.read(buffer, 0, (int) Math.min(left, buffer.length));
          assertThat(n).isPositive();
          digest.update(buffer, 0, n);
          left -= n;
        }
        byte[] expected = in.readNBytes(32);
        assertThat(digest.digest()).isEqualTo(expected);
        assertThat(in.read()).isEqualTo(-1);
        assertThat(received.get(60, TimeUnit.SECONDS)).isEqualTo(sent.get(60, TimeUnit.SECONDS));
      }
    }
  }

  private static byte[] serveDigest(ServerSocketChannel server, long size) {
    try (SocketChannel socket = server.accept()) {
      OutputStream out = Channels.newOutputStream(socket);
      CompletableFuture<byte[]> received =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  MessageDigest digest = MessageDigest.getInstance("SHA-256");
                  InputStream in = Channels.newInputStream(socket);
                  byte[] buffer = new byte[1 << 16];
                  for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                    digest.update(buffer, 0, n);
                  }
                  return digest.digest();
                } catch (Exception e) {
                  throw new IllegalStateException(e);
                }
              });
      out.write(send(out, size, 2));
      return received.get(60, TimeUnit.SECONDS);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private static byte[] send(OutputStream out, long size, int seed) throws IOException {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      Random random = new Random(seed);
      byte[] block = new byte[50_000];
      random.nextBytes(block);
      for (long left = size; left > 0; left -= Math.min(left, block.length)) {
        block[0]++;
        int n = (int) Math.min(left, block.length);
        digest.update(block, 0, n);
        out.write(block, 0, n);
      }
      out.flush();
      return digest.digest();
    } catch (java.security.NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void closingFromAnotherThreadWakesReaderAndWriter() throws Exception {
    try (SshConnection connection = open("ed25519")) {
      SshStream stream = connection.exec("sleep 30");
      CompletableFuture<Throwable> reader =
          CompletableFuture.supplyAsync(() -> failureOf(() -> stream.in().read()));
      CompletableFuture<Throwable> writer =
          CompletableFuture.supplyAsync(
              () ->
                  failureOf(
                      () -> {
                        byte[] block = new byte[1 << 16];
                        while (true) {
                          stream.out().write(block);
                        }
                      }));
      Thread.sleep(500);
      assertThat(reader).isNotDone();
      assertThat(writer).isNotDone();
      stream.close();
      assertThat(reader.get(5, TimeUnit.SECONDS)).isInstanceOf(IOException.class);
      assertThat(writer.get(5, TimeUnit.SECONDS)).isInstanceOf(IOException.class);
      assertThat(run(connection, "echo still here")).isEqualTo("still here\n");
    }
  }

  @Test
  void aLostConnectionIsAnErrorAndNoEnd() throws Exception {
    try (LocalSshd other = LocalSshd.start();
        SshConnection connection =
            SshConnection.open(other.destination(), other.options(other.userKey("ed25519")))) {
      SshStream stream = connection.exec("echo first; sleep 30");
      assertThat(stream.in().readNBytes(6)).asString().isEqualTo("first\n");
      CompletableFuture<Throwable> reader =
          CompletableFuture.supplyAsync(() -> failureOf(() -> stream.in().read()));
      other.kill();
      assertThat(reader.get(5, TimeUnit.SECONDS)).hasMessageContaining("was lost");
      assertThat(connection.isOpen()).isFalse();
    }
  }

  private interface Action {
    void run() throws Exception;
  }

  private static Throwable failureOf(Action action) {
    try {
      action.run();
      return new AssertionError("nothing was thrown");
    } catch (Exception e) {
      return e;
    }
  }
}
