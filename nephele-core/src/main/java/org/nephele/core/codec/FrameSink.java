package org.nephele.core.codec;

import java.io.IOException;
import java.nio.ByteBuffer;

/** Takes the frames of a page stream, in order. */
@FunctionalInterface
public interface FrameSink {
  /**
   * Takes a frame; blocks while there is no room for it, which holds back all that comes after it.
   *
   * @param frame a direct buffer, valid during the call only
   */
  void frame(ByteBuffer frame) throws IOException;
}
