package org.nephele.server.handoff;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.SocketChannel;
import java.nio.channels.WritableByteChannel;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.nephele.core.io.SocketStreams;
import org.nephele.core.mux.MuxStream;
import org.nephele.core.qemu.MissedPages;
import org.nephele.core.qemu.MissedPages.GuestMemory;
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

  /**
   * At the source.
   *
   * @param guest the guest's memory where QEMU's own account of it can't be trusted
   */
  void startSource(StreamFeatures features, Optional<GuestMemory> guest) {
    start(
        stream.kind() + " out",
        stream.kind().equals(QEMU) ? () -> sendMemory(features, guest) : this::sendDisk);
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
    } catch (IOException | RuntimeException e) {
      if (e instanceof RuntimeException) {
        log.error("{} of stream {} failed", name, stream.number(), e);
        broken.accept("The stream " + stream.kind() + " could not be passed on: " + e);
      } else if (e instanceof QemuStreamException) {
        broken.accept("The memory stream could not be read: " + e.getMessage());
      }
      log.debug("{} of stream {} broke: {}", name, stream.number(), e.toString());
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

  private void sendMemory(StreamFeatures features, Optional<GuestMemory> guest) throws IOException {
    // What goes out is what the other end must get: with pages added it is not what came in.
    Tallied memory = new Tallied(socket, guest.isPresent() ? new Tally(0, QEMU) : tally);
    ToStream out = new ToStream(stream.output(), guest.isPresent() ? tally : new Tally(0, QEMU));
    try {
      if (guest.isPresent()) {
        MissedPages[] missed = new MissedPages[1];
        new QemuStreamRelay(
                memory, out, features, writer -> missed[0] = new MissedPages(guest.get(), writer))
            .run();
        if (missed[0].added() > 0) {
          log.info("QEMU had forgotten {} pages of the guest; they were added", missed[0].added());
        }
      } else {
        new QemuStreamRelay(memory, out, features).run();
      }
    } catch (QemuStreamException e) {
      if (memory.ended) {
        // QEMU has stopped: libvirt knows why, and says so.
        throw new EOFException(e.getMessage());
      }
      throw e;
    }
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
    OutputStream qemu = SocketStreams.output(socket);
    // QEMU's NBD server may close before the other QEMU's goodbye is here. Everything that matters
    // was answered by then, so the rest is only counted.
    copy(stream.input(), stream.kind().equals(NBD) ? new Leaving(qemu) : qemu, tally);
    tally.end();
    if (socket.isOpen()) {
      socket.shutdownOutput();
    }
  }

  /** Takes what its reader, who has left, takes no more. */
  private static final class Leaving extends OutputStream {
    private final OutputStream to;
    private boolean left;

    Leaving(OutputStream to) {
      this.to = to;
    }

    @Override
    public void write(int b) {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
      try {
        if (!left) {
          to.write(bytes, offset, length);
        }
      } catch (IOException e) {
        log.debug("QEMU's NBD server has left: {}", e.toString());
        left = true;
      }
    }
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
  private static final class Tallied implements ReadableByteChannel {
    private final SocketChannel socket;
    private final Tally tally;
    private boolean ended;

    Tallied(SocketChannel socket, Tally tally) {
      this.socket = socket;
      this.tally = tally;
    }

    @Override
    public int read(ByteBuffer into) throws IOException {
      ByteBuffer read = into.duplicate();
      int n = socket.read(into);
      if (n > 0) {
        tally.add(read.limit(into.position()));
      }
      ended = n < 0;
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
    private final Tally tally;
    private byte[] copy;

    ToStream(OutputStream out, Tally tally) {
      this.out = out;
      this.tally = tally;
    }

    @Override
    public int write(ByteBuffer from) throws IOException {
      int length = from.remaining();
      tally.add(from);
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
