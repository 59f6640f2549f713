package org.nephele.core.codec;

/** Operations, the lower 4 bits of a token. In the upper bits: the count minus one, or a value. */
final class Op {
  /** Pages that the receiver has at this address already. */
  static final int SAME = 0;

  /** Pages of zeros. */
  static final int ZERO = 1;

  /** Pages of the reference disk. */
  static final int DISK = 2;

  /** Pages of the reference memory. */
  static final int MEMORY = 3;

  /** Pages that were sent before. */
  static final int SENT = 4;

  /** Pages that differ little from what the receiver has at this address. */
  static final int DELTA = 5;

  /** Pages in the literals column. */
  static final int LITERAL = 6;

  /** The same, and the reference page at this address is in the dictionary. */
  static final int LITERAL_WITH_OLD = 7;

  /** Opaque items. */
  static final int OPAQUE = 8;

  /** The next page isn't the one after the last one. Value 0. */
  static final int SEEK = 9;

  /** What follows belongs to another space; the value is its number. */
  static final int SPACE = 10;

  /** What follows has other flags; the value is the flags. */
  static final int FLAGS = 11;

  /** How many operations on pages there are; they come first. */
  static final int PAGE_OPS = 8;

  private Op() {}
}
