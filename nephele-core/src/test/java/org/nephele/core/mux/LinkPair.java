package org.nephele.core.mux;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.nephele.core.io.SocketStreams;

/** Two sessions, or one and a hostile other end, over a real socket pair. */
final class LinkPair implements AutoCloseable {
  static final MuxSession.Timing QUICK =
      new MuxSession.Timing(Duration.ofMillis(100), Duration.ofMillis(1500));

  final SocketChannel left;
  final SocketChannel right;

  private LinkPair(SocketChannel left, SocketChannel right) {
    this.left = left;
    this.right = right;
  }

  static LinkPair open() throws IOException {
    Path folder = Files.createTempDirectory("mux");
    Path path = folder.resolve("s");
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(path));
      SocketChannel left = SocketChannel.open(UnixDomainSocketAddress.of(path));
      return new LinkPair(left, server.accept());
    } finally {
      Files.deleteIfExists(path);
      Files.delete(folder);
    }
  }

  static Link link(SocketChannel channel) {
    return new Link(SocketStreams.input(channel), SocketStreams.output(channel), channel);
  }

  static Hello hello(String node) {
    return new Hello(MuxSession.PROTOCOL, "test", "1", node, List.of("one"));
  }

  /** What a side heard. */
  static final class Heard implements MuxSession.Listener {
    final BlockingQueue<byte[]> messages = new LinkedBlockingQueue<>();
    final BlockingQueue<MuxStream> streams = new LinkedBlockingQueue<>();
    final CompletableFuture<String> closed = new CompletableFuture<>();

    @Override
    public void control(byte[] message) {
      messages.add(message);
    }

    @Override
    public void opened(MuxStream stream) {
      streams.add(stream);
    }

    @Override
    public void closed(String reason) {
      closed.complete(reason);
    }

    MuxStream stream() throws InterruptedException {
      MuxStream stream = streams.poll(5, TimeUnit.SECONDS);
      if (stream == null) {
        throw new AssertionError("no stream was opened");
      }
      return stream;
    }

    String reason() throws Exception {
      return closed.get(5, TimeUnit.SECONDS);
    }
  }

  /** Greets both ways and starts both. */
  record Two(
      MuxSession source, Heard atSource, MuxSession destination, Heard atDestination, LinkPair pair)
      implements AutoCloseable {
    static Two open() throws Exception {
      LinkPair pair = LinkPair.open();
      Heard atSource = new Heard();
      Heard atDestination = new Heard();
      CompletableFuture<MuxSession.Greeted> other = new CompletableFuture<>();
      Thread thread =
          new Thread(
              () -> {
                try {
                  other.complete(
                      MuxSession.greet(
                          link(pair.right), false, hello("right"), QUICK, atDestination));
                } catch (IOException e) {
                  other.completeExceptionally(e);
                }
              });
      thread.start();
      MuxSession.Greeted mine =
          MuxSession.greet(link(pair.left), true, hello("left"), QUICK, atSource);
      MuxSession theirs = other.get().session();
      mine.session().start();
      theirs.start();
      return new Two(mine.session(), atSource, theirs, atDestination, pair);
    }

    @Override
    public void close() throws IOException {
      source.close();
      destination.close();
      pair.close();
    }
  }

  /** A side that says whatever the test wants. */
  InputStream rawIn() {
    return SocketStreams.input(right);
  }

  OutputStream rawOut() {
    return SocketStreams.output(right);
  }

  @Override
  public void close() throws IOException {
    left.close();
    right.close();
  }
}
