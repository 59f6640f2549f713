package org.nephele.core.codec;

/**
 * The columns of a frame, in the order of the format. What is alike stands together, so that each
 * column gets the entropy tables that fit it.
 */
enum Column {
  /** What to do, with run lengths; LEB128. */
  TOKENS(128 << 10),
  /** Jumps of the address; zigzag LEB128. */
  ADDRESSES(256 << 10),
  /** Pages of references and slots, as differences from the one expected; zigzag LEB128. */
  REFERENCES(256 << 10),
  /** For each delta, how many runs it has; LEB128. */
  RUNS(64 << 10),
  /** For each run, how many bytes before it are unchanged; LEB128. */
  GAPS(512 << 10),
  /** For each run, its length minus one; LEB128. */
  LENGTHS(512 << 10),
  /** The bytes of the runs: new minus old. */
  VALUES(1 << 20),
  /** The lengths of opaque items; LEB128. */
  OPAQUE_LENGTHS(64 << 10),
  /** The bytes of opaque items. */
  OPAQUE(1 << 20),
  /** Whole pages. The only column with a dictionary. */
  LITERALS(4 << 20);

  private static final Column[] ALL = values();

  private final int limit;

  Column(int limit) {
    this.limit = limit;
  }

  /** The most bytes this column can have in a frame, unpacked. */
  int limit() {
    return limit;
  }

  static Column[] all() {
    return ALL;
  }
}
