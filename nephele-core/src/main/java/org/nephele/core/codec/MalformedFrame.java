package org.nephele.core.codec;

/**
 * The content of a frame breaks the format's rules. The decoder turns it into a {@link
 * PageStreamException}, with the frame's number.
 */
final class MalformedFrame extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * @param what as a part of a sentence
   */
  MalformedFrame(String what) {
    super(what);
  }
}
