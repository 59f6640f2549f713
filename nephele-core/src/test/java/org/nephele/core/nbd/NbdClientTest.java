package org.nephele.core.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against the real qemu-nbd. */
class NbdClientTest {
  private static final int MIB = 1 << 20;

  @TempDir Path folder;

  @Test
  void writesAndZerosArriveInAnOverlay() throws Exception {
    byte[] expected = new byte[8 * MIB];
    new Random(1).nextBytes(expected);
    Path base = Files.write(folder.resolve("base.raw"), expected);
    Path overlay = folder.resolve("overlay.qcow2");
    run(
        "qemu-img",
        "create",
        "-q",
        "-f",
        "qcow2",
        "-b",
        base.toString(),
        "-F",
        "raw",
        "" + overlay);

    Process server = serve(overlay);
    try (NbdClient client = NbdClient.open(connect(server))) {
      assertThat(client.size()).isEqualTo(8 * MIB);
      Random random = new Random(2);
      for (int offset = 0, length; offset < 8 * MIB; offset += length + 4096 * random.nextInt(9)) {
        length = Math.min(4096 * (1 + random.nextInt(30)), 8 * MIB - offset);
        byte[] content = new byte[length];
        if (random.nextBoolean()) {
          random.nextBytes(content);
          client.write(offset, content, 0, length);
        } else {
          client.writeZeroes(offset, length);
        }
        System.arraycopy(content, 0, expected, offset, length);
      }
      client.flush();
    }
    assertThat(server.waitFor(10, TimeUnit.SECONDS)).isTrue();

    Path flat = folder.resolve("flat.raw");
    run("qemu-img", "convert", "-f", "qcow2", "-O", "raw", overlay.toString(), flat.toString());
    assertThat(Arrays.mismatch(Files.readAllBytes(flat), expected)).isEqualTo(-1);
    assertThat(Files.size(base)).isEqualTo(8 * MIB);
  }

  @Test
  void anErrorOfTheServerIsThrown() throws Exception {
    Path disk = Files.write(folder.resolve("disk.raw"), new byte[MIB]);
    Process server = serve(disk, "-f", "raw");
    NbdClient client = NbdClient.open(connect(server));
    client.write(2 * MIB, new byte[4096], 0, 4096);
    assertThatThrownBy(client::flush)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("could not write");
    client.close();
    assertThat(server.waitFor(10, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void aReadOnlyExportIsRefused() throws Exception {
    Path disk = Files.write(folder.resolve("disk.raw"), new byte[MIB]);
    Process server = serve(disk, "-f", "raw", "-r");
    try (SocketChannel channel = connect(server)) {
      assertThatThrownBy(() -> NbdClient.open(channel)).hasMessageContaining("does not let");
    }
    assertThat(server.waitFor(10, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void somethingElseThanAnNbdServerIsRefused() throws Exception {
    Path socket = folder.resolve("other.sock");
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(socket));
      try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(socket));
          SocketChannel peer = server.accept()) {
        peer.write(ByteBuffer.wrap("SSH-2.0-OpenSSH_9.2p1 Debian".getBytes("US-ASCII")));
        assertThatThrownBy(() -> NbdClient.open(client)).hasMessageContaining("no NBD server");
      }
    }
  }

  private Process serve(Path disk, String... options) throws IOException {
    var command = new ArrayList<>(List.of("qemu-nbd", "--socket=" + folder.resolve("nbd.sock")));
    command.addAll(options.length == 0 ? List.of("-f", "qcow2") : List.of(options));
    command.add(disk.toString());
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  private SocketChannel connect(Process server) throws Exception {
    Path socket = folder.resolve("nbd.sock");
    for (int i = 0; i < 500 && server.isAlive(); i++) {
      if (Files.exists(socket)) {
        try {
          return SocketChannel.open(UnixDomainSocketAddress.of(socket));
        } catch (IOException e) {
          // Bound, not listening yet.
        }
      }
      Thread.sleep(20);
    }
    throw new AssertionError("qemu-nbd did not come up");
  }

  private static void run(String... command) throws Exception {
    assertThat(new ProcessBuilder(command).redirectErrorStream(true).start().waitFor()).isZero();
  }
}
