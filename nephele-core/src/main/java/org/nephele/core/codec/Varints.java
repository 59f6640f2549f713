package org.nephele.core.codec;

import java.nio.ByteBuffer;

/**
 * LEB128 numbers: 7 bits a byte, the least significant first, the top bit set on all but the last.
 * At most 5 bytes, 35 bits. Zigzag puts the sign into the lowest bit.
 */
final class Varints {
  private static final int MAX_BYTES = 5;

  private Varints() {}

  static void put(ByteBuffer target, long value) {
    while (value > 0x7f) {
      target.put((byte) (value | 0x80));
      value >>>= 7;
    }
    target.put((byte) value);
  }

  static void putSigned(ByteBuffer target, long value) {
    put(target, value << 1 ^ value >> 63);
  }

  /**
   * @throws MalformedFrame if the number has more than 35 bits
   * @throws java.nio.BufferUnderflowException at the end of the column
   */
  static long get(ByteBuffer source) {
    long value = 0;
    for (int i = 0; i < MAX_BYTES; i++) {
      byte next = source.get();
      value |= (long) (next & 0x7f) << 7 * i;
      if (next >= 0) {
        return value;
      }
    }
    throw new MalformedFrame("a number is too long");
  }

  static long getSigned(ByteBuffer source) {
    long value = get(source);
    return value >>> 1 ^ -(value & 1);
  }
}
