package org.nephele.core.codec;

/**
 * A running 64-bit digest of all that goes into the encoder, or comes out of the decoder, in order:
 * content, address, flags and space of every page, and every opaque item. It finds mistakes and
 * damage, not forgery: that is SSH's work.
 */
final class StreamDigest {
  private static final long MULTIPLIER = 0x9E3779B97F4A7C15L;

  private long value;

  void page(Space space, long page, int flags, long hash) {
    add(hash + ((long) space.ordinal() << 60 | (long) flags << 48 | page) * MULTIPLIER);
  }

  void opaque(Space space, int length, long hash) {
    add(hash + ((long) (space.ordinal() | 8) << 60 | length) * MULTIPLIER);
  }

  private void add(long item) {
    value = (value ^ item) * MULTIPLIER;
    value ^= value >>> 29;
  }

  long value() {
    return value;
  }
}
