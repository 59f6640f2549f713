package org.nephele.core.qemu;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.IllegalBlockingModeException;
import java.nio.channels.ReadableByteChannel;

/**
 * Reads a migration stream and hands its content to a handler. Reads as much as there is into one
 * buffer, never waits for bytes while it has something to deliver. Not thread-safe.
 */
public final class QemuStreamReader {
  /** Large enough to take all that a unix socket holds in one call. */
  private static final int BUFFER = 1 << 20;

  private final ReadableByteChannel in;
  private final QemuStreamHandler handler;
  private final QemuStreamParser parser;
  private final ByteBuffer buffer;

  /**
   * @param in blocking; not closed
   * @param features of the QEMU that sends
   */
  public QemuStreamReader(
      ReadableByteChannel in, StreamFeatures features, QemuStreamHandler handler) {
    this(in, features, handler, ByteBuffer.allocateDirect(BUFFER));
  }

  /**
   * @param buffer empty, of {@link QemuStreamParser#MIN_BUFFER} or more
   */
  QemuStreamReader(
      ReadableByteChannel in,
      StreamFeatures features,
      QemuStreamHandler handler,
      ByteBuffer buffer) {
    this.in = in;
    this.handler = handler;
    this.parser = new QemuStreamParser(features, handler);
    this.buffer = buffer;
  }

  /** Bytes of the stream that were delivered so far. */
  public long offset() {
    return parser.offset();
  }

  /**
   * Reads until the sender closes the stream.
   *
   * @throws QemuStreamException if the stream contradicts itself or ends before the memory is
   *     complete; all records before that were delivered
   * @throws IOException whatever the channel or the handler throws
   */
  public void readAll() throws IOException {
    while (true) {
      handler.inputDry();
      int count = in.read(buffer);
      if (count < 0) {
        parser.end(buffer.position());
        return;
      }
      if (count == 0) {
        // The buffer is larger than any record, so it has room: the channel does not block.
        throw new IllegalBlockingModeException();
      }
      buffer.flip();
      parser.parse(buffer);
      buffer.compact();
    }
  }
}
