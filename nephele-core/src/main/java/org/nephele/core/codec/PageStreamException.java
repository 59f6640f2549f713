package org.nephele.core.codec;

import java.io.IOException;

/**
 * A page stream that is damaged, out of order, or not for this receiver. The message is one
 * sentence. What was decoded before stays as it is; nothing more can be decoded.
 */
public final class PageStreamException extends IOException {
  private static final long serialVersionUID = 1L;

  private final long sequence;

  PageStreamException(long sequence, String what) {
    super("The page stream is broken at frame " + sequence + ": " + what + ".");
    this.sequence = sequence;
  }

  /** The number of the frame that is wrong, or that was expected and didn't come; from 0. */
  public long sequence() {
    return sequence;
  }
}
