package org.nephele.server.handoff;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.nephele.core.io.SocketStreams;
import org.nephele.core.mux.Hello;
import org.nephele.core.mux.Link;
import org.nephele.core.mux.MuxSession;
import org.nephele.core.mux.MuxStream;
import org.nephele.core.qemu.StreamFeatures;

/** Two relays with a session between them, and two programs that talk through them. */
@Timeout(30)
class RelayTest {
  @TempDir Path folder;
  private final List<AutoCloseable> open = new ArrayList<>();
  private final BlockingQueue<MuxStream> streams = new ArrayBlockingQueue<>(10);
  private final BlockingQueue<String> problems = new ArrayBlockingQueue<>(10);
  private MuxSession source;
  private int pairs;

  private record Pair(SocketChannel left, SocketChannel right) {}

  private Pair pair() throws Exception {
    Path path = folder.resolve("s" + pairs++);
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(path));
      SocketChannel left = SocketChannel.open(UnixDomainSocketAddress.of(path));
      SocketChannel right = server.accept();
      open.add(left);
      open.add(right);
      return new Pair(left, right);
    }
  }

  private final class Listening implements MuxSession.Listener {
    @Override
    public void control(byte[] message) {}

    @Override
    public void opened(MuxStream stream) {
      streams.add(stream);
    }

    @Override
    public void closed(String reason) {}
  }

  private static Link link(SocketChannel channel) {
    return new Link(SocketStreams.input(channel), SocketStreams.output(channel), channel);
  }

  @BeforeEach
  void connect() throws Exception {
    Pair link = pair();
    Hello hello = new Hello(MuxSession.PROTOCOL, "test", "1", "x", List.of());
    CompletableFuture<MuxSession> other = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                other.complete(
                    MuxSession.greet(
                            link(link.right()),
                            false,
                            hello,
                            MuxSession.Timing.NORMAL,
                            new Listening())
                        .session());
              } catch (Exception e) {
                other.completeExceptionally(e);
              }
            });
    thread.start();
    source =
        MuxSession.greet(link(link.left()), true, hello, MuxSession.Timing.NORMAL, new Listening())
            .session();
    MuxSession destination = other.get();
    source.start();
    destination.start();
    open.add(source);
    open.add(destination);
  }

  @AfterEach
  void closeAll() throws Exception {
    for (AutoCloseable each : open) {
      each.close();
    }
  }

  private record Ends(SocketChannel here, SocketChannel there, Tally sent, Tally received) {}

  /** A program's socket at each end, as QEMU has them. */
  private Ends relayed(String kind) throws Exception {
    Pair here = pair();
    Pair there = pair();
    MuxStream out = source.open(kind);
    Tally sent = new Tally(out.number(), kind);
    new Relay(here.right(), out, sent, problems::add)
        .startSource(StreamFeatures.NONE, Optional.empty());
    MuxStream in = streams.poll(5, TimeUnit.SECONDS);
    Tally received = new Tally(in.number(), kind);
    new Relay(there.right(), in, received, problems::add).startDestination();
    return new Ends(here.left(), there.left(), sent, received);
  }

  @Test
  void theDiskGoesOverAndTheAnswersComeBack() throws Exception {
    Ends ends = relayed(Relay.NBD);
    byte[] bytes = new byte[5_000_000];
    new Random(1).nextBytes(bytes);
    CompletableFuture<byte[]> arrived = new CompletableFuture<>();
    Thread reader =
        new Thread(
            () -> {
              try {
                arrived.complete(SocketStreams.input(ends.there()).readNBytes(bytes.length));
              } catch (Exception e) {
                arrived.completeExceptionally(e);
              }
            });
    reader.start();
    SocketStreams.output(ends.here()).write(bytes);
    assertThat(arrived.get()).isEqualTo(bytes);
    SocketStreams.output(ends.there()).write("done".getBytes(UTF_8));
    assertThat(SocketStreams.input(ends.here()).readNBytes(4)).asString(UTF_8).isEqualTo("done");

    ends.here().shutdownOutput();
    assertThat(ends.there().read(ByteBuffer.allocate(1))).isEqualTo(-1);
    ends.there().close();
    assertThat(ends.here().read(ByteBuffer.allocate(1))).isEqualTo(-1);
    assertThat(ends.received().awaitEnd(5000)).isTrue();
    assertThat(ends.received().digest()).isEqualTo(ends.sent().digest());
  }

  @Test
  void memoryThatIsNoMigrationStreamIsReportedAndCut() throws Exception {
    Ends ends = relayed(Relay.QEMU);
    SocketStreams.output(ends.here()).write("not what QEMU sends".getBytes(UTF_8));

    assertThat(problems.poll(5, TimeUnit.SECONDS)).contains("could not be read");
    assertThat(ends.there().read(ByteBuffer.allocate(100))).isLessThanOrEqualTo(0);
    assertThat(ends.received().ended()).isFalse();
  }

  @Test
  void aQemuThatStopsInTheMiddleIsLeftForLibvirtToExplain() throws Exception {
    Ends ends = relayed(Relay.QEMU);
    SocketStreams.output(ends.here()).write(new byte[] {'Q', 'E', 'V', 'M', 0, 0, 0, 3});
    ends.here().shutdownOutput();

    assertThat(problems.poll(500, TimeUnit.MILLISECONDS)).isNull();
    while (ends.there().read(ByteBuffer.allocate(100)) > 0) {}
    assertThat(ends.received().ended()).isFalse();
  }

  @Test
  void whatComesAfterTheNbdServerHasLeftIsCounted() throws Exception {
    Ends ends = relayed(Relay.NBD);
    ends.there().close();
    SocketStreams.output(ends.here()).write("goodbye".getBytes(UTF_8));
    ends.here().shutdownOutput();

    assertThat(ends.received().awaitEnd(5000)).isTrue();
    assertThat(ends.received().digest()).isEqualTo(ends.sent().digest());
  }

  @Test
  void aProgramThatLeavesIsNoticedAtTheOtherEnd() throws Exception {
    Ends ends = relayed(Relay.NBD);
    ends.there().close();

    SocketStreams.output(ends.here()).write(1);
    assertThat(ends.here().read(ByteBuffer.allocate(1))).isEqualTo(-1);
  }
}
