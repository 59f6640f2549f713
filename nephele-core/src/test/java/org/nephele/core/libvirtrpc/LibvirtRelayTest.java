package org.nephele.core.libvirtrpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.nephele.core.libvirtrpc.LibvirtRelay.Side;

@Timeout(30)
class LibvirtRelayTest {
  private static final int REMOTE = LibvirtPacket.PROGRAM_REMOTE;
  private static final int KEEPALIVE = LibvirtPacket.PROGRAM_KEEPALIVE;
  private static final int FINISH = 306;
  private static final int PREPARE = 303;

  @Test
  void callsAndRepliesPassUnchanged() throws Exception {
    try (Rig rig = new Rig(Side.CLIENT)) {
      byte[] call = packet(REMOTE, PREPARE, 0, 7, 0, arguments(50_000));
      byte[] reply = packet(REMOTE, PREPARE, 1, 7, 0, new byte[70_000]);
      rig.client.say(call);
      assertThat(rig.server.hear()).isEqualTo(call);
      rig.server.say(reply);

      assertThat(rig.client.hear()).isEqualTo(reply);
      assertThat(rig.gate.asked.getCount()).isEqualTo(1);
    }
  }

  @Test
  void theGoodReplyToFinishWaitsForTheGate() throws Exception {
    try (Rig rig = new Rig(Side.CLIENT)) {
      byte[] reply = packet(REMOTE, FINISH, 1, 9, 0, new byte[100]);
      rig.client.say(finish(9, 0));
      rig.server.hear();
      rig.server.say(reply);
      rig.gate.asked.await();

      assertThat(rig.client.silentFor(300)).isTrue();
      rig.gate.pass.complete(true);
      assertThat(rig.client.hear()).isEqualTo(reply);
    }
  }

  @Test
  void aReplyThatIsNotToPassIsNeverSeenAndTheConnectionIsClosedAfterTheGateSaysSo()
      throws Exception {
    try (Rig rig = new Rig(Side.CLIENT)) {
      rig.client.say(finish(9, 0));
      rig.server.hear();
      rig.server.say(packet(REMOTE, FINISH, 1, 9, 0, new byte[100]));
      rig.gate.asked.await();
      rig.gate.pass.complete(false);

      assertThat(rig.client.silentFor(300)).isTrue();
      rig.gate.mayClose.countDown();
      assertThat(rig.client.in.read()).isEqualTo(-1);
    }
  }

  @Test
  void aLostServerIsNotToldToTheClientBeforeTheGateSaysSo() throws Exception {
    try (Rig rig = new Rig(Side.CLIENT)) {
      rig.client.say(finish(9, 0));
      rig.server.hear();
      rig.server.out.close();

      assertThat(rig.client.silentFor(300)).isTrue();
      rig.gate.mayClose.countDown();
      assertThat(rig.client.in.read()).isEqualTo(-1);
    }
  }

  @Test
  void aFailedFinishAndACancellingOneJustPass() throws Exception {
    try (Rig rig = new Rig(Side.CLIENT)) {
      byte[] failed = packet(REMOTE, FINISH, 1, 9, 1, new byte[100]);
      rig.client.say(finish(9, 0));
      rig.server.hear();
      rig.server.say(failed);
      assertThat(rig.client.hear()).isEqualTo(failed);

      byte[] cancelled = packet(REMOTE, FINISH, 1, 10, 0, new byte[100]);
      rig.client.say(finish(10, 1));
      rig.server.hear();
      rig.server.say(cancelled);
      assertThat(rig.client.hear()).isEqualTo(cancelled);
      assertThat(rig.gate.asked.getCount()).isEqualTo(1);
    }
  }

  @Test
  void theServersPingsAreAnsweredBesideIt() throws Exception {
    try (Rig rig = new Rig(Side.SERVER)) {
      rig.server.say(packet(KEEPALIVE, 1, 2, 0, 0, new byte[0]));

      assertThat(rig.server.hear()).isEqualTo(packet(KEEPALIVE, 2, 2, 0, 0, new byte[0]));
      assertThat(rig.client.silentFor(200)).isTrue();
    }
  }

  @Test
  void theClientsPingsAreAnsweredBesideIt() throws Exception {
    try (Rig rig = new Rig(Side.CLIENT)) {
      rig.client.say(packet(KEEPALIVE, 1, 2, 0, 0, new byte[0]));

      assertThat(rig.client.hear()).isEqualTo(packet(KEEPALIVE, 2, 2, 0, 0, new byte[0]));
      assertThat(rig.server.silentFor(200)).isTrue();
    }
  }

  @Test
  void pingsAreAnsweredWhileFinishIsHeld() throws Exception {
    try (Rig rig = new Rig(Side.CLIENT)) {
      rig.client.say(finish(9, 0));
      rig.server.hear();
      rig.server.say(packet(REMOTE, FINISH, 1, 9, 0, new byte[100]));
      rig.gate.asked.await();
      rig.client.say(packet(KEEPALIVE, 1, 2, 0, 0, new byte[0]));

      assertThat(rig.client.hear()).isEqualTo(packet(KEEPALIVE, 2, 2, 0, 0, new byte[0]));
    }
  }

  @Test
  void callsThatDoNotBelongToAHandoffAreNotMade() throws Exception {
    for (byte[] call :
        new byte[][] {
          packet(REMOTE, 10, 0, 1, 0, new byte[0]), // create a domain from XML
          packet(0x20008087, 1, 0, 1, 0, new byte[0]), // a monitor command
          packet(REMOTE, FINISH, 4, 1, 0, new byte[4]), // with file descriptors
          packet(REMOTE, 217, 0, 1, 0, new byte[0]), // the Finish of another protocol version
          packet(REMOTE, 2, 1, 1, 0, new byte[0]), // a reply
          packet(KEEPALIVE, 1, 2, 0, 0, new byte[0]) // a PING, which never crosses the link
        }) {
      try (Rig rig = new Rig(Side.SERVER)) {
        rig.client.say(call);

        assertThatThrownBy(rig.calls::get)
            .cause()
            .isInstanceOf(RefusedCallException.class)
            .hasMessageContaining("does not belong to a handoff");
        // Nothing reached the server; and nobody sees a closed connection before the reason.
        assertThat(rig.server.silentFor(50)).isTrue();
      }
    }
  }

  @Test
  void whatTheGuardRefusesIsNotPassedOn() throws Exception {
    try (Rig rig = new Rig(Side.SERVER)) {
      rig.client.say(packet(REMOTE, 1, 0, 1, 0, new byte[8]));

      assertThatThrownBy(rig.calls::get).cause().isInstanceOf(RefusedCallException.class);
      assertThat(rig.server.silentFor(50)).isTrue();
    }
  }

  @Test
  void whatIsNoPacketIsRefusedBeforeAnythingIsAllocated() {
    for (int length : new int[] {0, 27, -1, Integer.MAX_VALUE, (4 << 20) + 1}) {
      byte[] bytes = ByteBuffer.allocate(28).putInt(length).array();

      assertThatThrownBy(() -> LibvirtPacket.read(new ByteArrayInputStream(bytes)))
          .isInstanceOf(IOException.class);
    }
  }

  @Test
  void aPacketThatBreaksOffIsAnError() {
    byte[] bytes = packet(REMOTE, FINISH, 1, 9, 0, new byte[100]);

    for (int length : new int[] {1, 27, 28, 127}) {
      byte[] part = java.util.Arrays.copyOf(bytes, length);
      assertThatThrownBy(() -> LibvirtPacket.read(new ByteArrayInputStream(part)))
          .hasMessageContaining("middle of a packet");
    }
  }

  private static byte[] finish(int serial, int cancelled) {
    // No parameters, no cookie, no flags.
    byte[] arguments = ByteBuffer.allocate(16).putInt(12, cancelled).array();
    return packet(REMOTE, FINISH, 0, serial, 0, arguments);
  }

  /** No parameters, a cookie of this many bytes, no flags. */
  private static byte[] arguments(int cookie) {
    return ByteBuffer.allocate(12 + cookie).putInt(4, cookie).array();
  }

  private static byte[] packet(
      int program, int procedure, int type, int serial, int status, byte[] payload) {
    ByteBuffer packet = ByteBuffer.allocate(28 + payload.length);
    packet.putInt(packet.capacity()).putInt(program).putInt(1).putInt(procedure);
    packet.putInt(type).putInt(serial).putInt(status).put(payload);
    return packet.array();
  }

  /** One party, as the relay's other end. */
  private record Party(InputStream in, OutputStream out) {
    void say(byte[] bytes) throws IOException {
      out.write(bytes);
      out.flush();
    }

    byte[] hear() throws IOException {
      Optional<LibvirtPacket> packet = LibvirtPacket.read(in);
      return packet.orElseThrow(() -> new IOException("closed")).bytes();
    }

    boolean silentFor(long ms) throws Exception {
      TimeUnit.MILLISECONDS.sleep(ms);
      return in.available() == 0;
    }
  }

  private static final class Gate implements FinishGate {
    final CountDownLatch asked = new CountDownLatch(1);
    final CompletableFuture<Boolean> pass = new CompletableFuture<>();
    final CountDownLatch mayClose = new CountDownLatch(1);

    @Override
    public void finished() throws IOException {
      asked.countDown();
      if (!pass.join()) {
        throw new IOException("not now");
      }
    }

    @Override
    public void ended() {
      try {
        mayClose.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static final class Rig implements AutoCloseable {
    final Gate gate = new Gate();
    final Party client;
    final Party server;
    final CompletableFuture<Void> calls = new CompletableFuture<>();

    Rig(Side near) throws IOException {
      PipedInputStream fromClient = new PipedInputStream(1 << 20);
      PipedInputStream toClient = new PipedInputStream(1 << 20);
      PipedInputStream fromServer = new PipedInputStream(1 << 20);
      PipedInputStream toServer = new PipedInputStream(1 << 20);
      client = new Party(toClient, new PipedOutputStream(fromClient));
      server = new Party(toServer, new PipedOutputStream(fromServer));
      LibvirtRelay relay =
          new LibvirtRelay(
              fromClient,
              new PipedOutputStream(toClient),
              fromServer,
              new PipedOutputStream(toServer),
              near,
              gate,
              call -> {
                if (call instanceof LibvirtCall.Open) {
                  throw new RefusedCallException("no");
                }
              });
      start(
          () -> {
            try {
              relay.calls();
              calls.complete(null);
            } catch (IOException e) {
              calls.completeExceptionally(e);
            }
          });
      start(
          () -> {
            try {
              relay.replies();
            } catch (IOException e) {
              gate.mayClose.countDown();
            }
          });
    }

    private static void start(Runnable body) {
      Thread thread = new Thread(body);
      thread.setDaemon(true);
      thread.start();
    }

    @Override
    public void close() throws IOException {
      gate.pass.complete(false);
      gate.mayClose.countDown();
      client.out.close();
      server.out.close();
    }
  }
}
