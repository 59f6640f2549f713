package org.nephele.core.qemu;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Gets the content of a migration stream, in order, on the thread that reads.
 *
 * <p>Buffers are views into the reader's own buffer: the bytes between position and limit are valid
 * during the call only and must not be written to. The position may be moved.
 */
public interface QemuStreamHandler {

  /** Anything but a page or opaque bytes. */
  void event(StreamEvent event) throws IOException;

  /**
   * A page filled with one byte, in practice zero.
   *
   * @param offset bytes from the start of the block, a multiple of 4096
   * @param continued whether the record leaves the block's name out, needed to write it again
   */
  void zeroPage(RamBlock block, long offset, boolean continued, byte fill) throws IOException;

  /** A page of 4096 bytes; parameters as for {@link #zeroPage}. */
  void page(RamBlock block, long offset, boolean continued, ByteBuffer page) throws IOException;

  /** Bytes of a package or of everything after {@link StreamEvent.OpaqueFromHere}, as they come. */
  void opaque(ByteBuffer bytes) throws IOException;

  /**
   * All that has arrived was delivered, and the next read may wait: whoever passes the stream on
   * must now send what it holds.
   */
  default void inputDry() throws IOException {}
}
