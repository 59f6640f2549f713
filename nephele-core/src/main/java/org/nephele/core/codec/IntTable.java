package org.nephele.core.codec;

import java.nio.ByteBuffer;
import java.nio.IntBuffer;

/**
 * A long array of ints outside the heap, all zero at first. Memory is taken in pieces of 64 KiB
 * where something else than 0 was put. Not thread-safe.
 */
final class IntTable {
  private static final int PIECE_BITS = 14;

  /** Ints in a piece. The last one may go beyond the size; that part stays 0. */
  static final int PIECE = 1 << PIECE_BITS;

  private final long size;
  private final IntBuffer[] pieces;

  IntTable(long size) {
    this.size = size;
    this.pieces = new IntBuffer[Math.toIntExact(size + PIECE - 1 >> PIECE_BITS)];
  }

  long size() {
    return size;
  }

  int get(long index) {
    IntBuffer piece = pieces[(int) (index >>> PIECE_BITS)];
    return piece == null ? 0 : piece.get((int) index & PIECE - 1);
  }

  void put(long index, int value) {
    int number = (int) (index >>> PIECE_BITS);
    if (pieces[number] == null) {
      if (value == 0) {
        return;
      }
      pieces[number] = ByteBuffer.allocateDirect(PIECE * Integer.BYTES).asIntBuffer();
    }
    pieces[number].put((int) index & PIECE - 1, value);
  }

  /** How many pieces there are. */
  int pieces() {
    return pieces.length;
  }

  /** Whether all of a piece is 0. */
  boolean isZero(int piece) {
    for (int i = 0; pieces[piece] != null && i < PIECE; i++) {
      if (pieces[piece].get(i) != 0) {
        return false;
      }
    }
    return true;
  }
}
