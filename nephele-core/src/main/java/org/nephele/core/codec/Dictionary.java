package org.nephele.core.codec;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * The raw content that a frame's literals are compressed against: old versions of its pages, in the
 * order of the pages, with zeros in front of them up to a power of two. Both ends take them from
 * the reference. The power of two bounds how many arrays there are: zstd-jni takes whole ones only.
 */
final class Dictionary {
  private static final int MIN_BITS = 12;

  /** Taken when it is needed first: streams without references never do. */
  private ByteBuffer pages = ByteBuffer.allocate(0);

  private final byte[][] arrays = new byte[Integer.SIZE][];

  void clear() {
    pages.clear();
  }

  void add(byte[] page) {
    if (pages.capacity() == 0) {
      pages = ByteBuffer.allocateDirect(Column.LITERALS.limit());
    }
    if (pages.remaining() < SentPages.PAGE) {
      throw new MalformedFrame("it needs more old versions than a frame can have pages");
    }
    pages.put(page, 0, SentPages.PAGE);
  }

  boolean isEmpty() {
    return pages.position() == 0;
  }

  /** The dictionary, valid until the next call. Not empty. */
  byte[] bytes() {
    int length = pages.position();
    int bits = Math.max(MIN_BITS, Integer.SIZE - Integer.numberOfLeadingZeros(length - 1));
    if (arrays[bits] == null) {
      arrays[bits] = new byte[1 << bits];
    }
    byte[] array = arrays[bits];
    int front = array.length - length;
    Arrays.fill(array, 0, front, (byte) 0);
    pages.get(0, array, front, length);
    return array;
  }
}
