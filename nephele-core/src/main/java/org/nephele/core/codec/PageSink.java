package org.nephele.core.codec;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Gets what the encoder was given, in the same order and byte for byte. Buffers are valid during
 * the call only, and must not be written to.
 */
public interface PageSink {
  /**
   * A page.
   *
   * @param page its number
   * @param flags what the encoder was given with it
   * @param content 4096 bytes
   */
  void page(Space space, long page, int flags, ByteBuffer content) throws IOException;

  /** Bytes that aren't a page. Long ones come in several pieces. */
  void opaque(Space channel, ByteBuffer bytes) throws IOException;

  /** A frame has been decoded, and the next one may be long in coming: pass on what is held. */
  void endOfFrame() throws IOException;
}
