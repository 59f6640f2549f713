package org.nephele.core.codec.streams;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;

/**
 * Writes what an NBD client sent from the disk items of a page stream, the inverse of {@link
 * DiskEncoder}. To be given the items by the {@link org.nephele.core.codec.PageSink}. Not
 * thread-safe.
 */
public final class DiskDecoder {
  private static final int BUFFER = 1 << 18;

  private final WritableByteChannel out;
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER);

  /**
   * @param out to the NBD server; blocking, not closed
   */
  public DiskDecoder(WritableByteChannel out) {
    this.out = out;
  }

  /** The bytes of a page or an opaque item of {@link org.nephele.core.codec.Space#DISK}. */
  public void write(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      if (!buffer.hasRemaining()) {
        flush();
      }
      int count = Math.min(bytes.remaining(), buffer.remaining());
      buffer.put(bytes.slice(bytes.position(), count));
      bytes.position(bytes.position() + count);
    }
  }

  /** Passes on what is held. */
  public void flush() throws IOException {
    buffer.flip();
    while (buffer.hasRemaining()) {
      out.write(buffer);
    }
    buffer.clear();
  }
}
