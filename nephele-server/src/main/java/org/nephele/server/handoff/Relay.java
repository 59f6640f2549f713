package org.nephele.server.handoff;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.SocketChannel;
import java.nio.channels.WritableByteChannel;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.nephele.core.io.SocketStreams;
import org.nephele.core.mux.MuxStream;
import org.nephele.core.qemu.QemuStreamException;
import org.nephele.core.qemu.QemuStreamRelay;
import org.nephele.core.qemu.StreamFeatures;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Between a local socket of QEMU's and a stream to the other agent, both ways, a thread each. What
 * goes from the source to the destination is tallied. This is where the bytes are to become fewer:
 * {@link #sendMemory} and {@link #sendDisk} at the source, {@link #receive} at the destination.
 */
final class Relay {
  private static final Logger log = LoggerFactory.getLogger(Relay.class);
  private static final int BUFFER = 128 << 10;

  static final String LIBVIRT = "libvirt";
  static final String QEMU = "qemu";
  static final String NBD = "nbd";

  private final SocketChannel socket;
  private final MuxStream stream;
  private final Tally tally;
  private final Consumer<String> broken;
  private final AtomicInteger open = new AtomicInteger(2);

  /**
   * @param broken told, as a sentence, when what QEMU sends can't be passed on as it is
   */
  Relay(SocketChannel socket, MuxStream stream, Tally tally, Consumer<String> broken) {
    this.socket = socket;
    this.stream = stream;
    this.tally = tally;
    this.broken = broken;
  }

  /** What one direction does until its end of file. */
  private interface Pass {
    void all() throws IOException;
  }

  /** At the source. */
  void startSource() {
    start(stream.kind() + " out", stream.kind().equals(QEMU) ? this::sendMemory : this::sendDisk);
    start(stream.kind() + " back", this::receiveBack);
  }

  /** At the destination. */
  void startDestination() {
    start(stream.kind() + " in", this::receive);
    start(stream.kind() + " answers", this::answer);
  }

  private void start(String name, Pass pass) {
    Thread thread = new Thread(() -> run(name, pass), name);
    thread.setDaemon(true);
    thread.start();
  }

  private void run(String name, Pass pass) {
    try {
      pass.all();
      log.debug("{} of stream {} has ended in order", name, stream.number());
      if (open.decrementAndGet() == 0) {
        close();
      }
    } catch (IOException e) {
      log.debug("{} of stream {} broke: {}", name, stream.number(), e.toString());
      if (e instanceof QemuStreamException) {
        broken.accept("The memory stream could not be read: " + e.getMessage());
      }
      stream.reset(String.valueOf(e.getMessage()));
      close();
    }
  }

  private void close() {
    try {
      socket.close();
    } catch (IOException e) {
      log.debug("closing a socket failed: {}", e.toString());
    }
  }

  private void sendMemory() throws IOException {
    new QemuStreamRelay(
            new Tallied(socket, tally), new ToStream(stream.output()), StreamFeatures.NONE)
        .run();
    tally.end();
    stream.output().close();
  }

  private void sendDisk() throws IOException {
    copy(SocketStreams.input(socket), stream.output(), tally);
    tally.end();
    stream.output().close();
  }

  private void receiveBack() throws IOException {
    copy(stream.input(), SocketStreams.output(socket), null);
    socket.shutdownOutput();
  }

  private void receive() throws IOException {
    copy(stream.input(), SocketStreams.output(socket), tally);
    tally.end();
    socket.shutdownOutput();
  }

  private void answer() throws IOException {
    copy(SocketStreams.input(socket), stream.output(), null);
    stream.output().close();
  }

  private static void copy(InputStream in, OutputStream out, Tally tally) throws IOException {
    byte[] buffer = new byte[BUFFER];
    for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
      if (tally != null) {
        tally.add(buffer, 0, n);
      }
      out.write(buffer, 0, n);
    }
  }

  /** Counts what is read. */
  private record Tallied(SocketChannel socket, Tally tally) implements ReadableByteChannel {
    @Override
    public int read(ByteBuffer into) throws IOException {
      ByteBuffer read = into.duplicate();
      int n = socket.read(into);
      if (n > 0) {
        tally.add(read.limit(into.position()));
      }
      return n;
    }

    @Override
    public boolean isOpen() {
      return socket.isOpen();
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  /** A stream as a channel; direct buffers go through one of ours. */
  private static final class ToStream implements WritableByteChannel {
    private final OutputStream out;
    private byte[] copy;

    ToStream(OutputStream out) {
      this.out = out;
    }

    @Override
    public int write(ByteBuffer from) throws IOException {
      int length = from.remaining();
      if (from.hasArray()) {
        out.write(from.array(), from.arrayOffset() + from.position(), length);
        from.position(from.limit());
        return length;
      }
      if (copy == null) {
        copy = new byte[BUFFER];
      }
      while (from.hasRemaining()) {
        int n = Math.min(copy.length, from.remaining());
        from.get(copy, 0, n);
        out.write(copy, 0, n);
      }
      return length;
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() throws IOException {
      out.close();
    }
  }
}
