package org.nephele.core.reference;

/**
 * Where a page's content is, in an int, because there are millions of them: the kind in the upper 2
 * bits, the page's number in the lower 30 (so up to 4 TiB of each kind).
 */
public final class Location {
  /** The same address in the reference, if there is one. What a fresh map holds everywhere. */
  public static final int SAME_ADDRESS = 0;

  /** Zeros. */
  public static final int ZERO = 1;

  /** Content that neither end has kept. */
  public static final int UNKNOWN = 2;

  /** A page of the image's disk. */
  public static final int DISK = 1;

  /** A page of the image's memory. */
  public static final int MEMORY = 2;

  /** A page that was sent before, by its slot. */
  public static final int SENT = 3;

  /** Pages that a kind can name. */
  public static final long MAX_PAGES = 1L << 30;

  private Location() {}

  /**
   * The location of a page.
   *
   * @param kind {@link #DISK}, {@link #MEMORY} or {@link #SENT}
   * @param page from 0, less than {@link #MAX_PAGES}
   */
  public static int of(int kind, long page) {
    if (kind < DISK || kind > SENT || page < 0 || page >= MAX_PAGES) {
      throw new IllegalArgumentException("kind " + kind + " page " + page);
    }
    return kind << 30 | (int) page;
  }

  /**
   * {@link #DISK}, {@link #MEMORY} or {@link #SENT}; 0 for the three constants without a number.
   */
  public static int kind(int location) {
    return location >>> 30;
  }

  /** The page's number. */
  public static int page(int location) {
    return location & 0x3fff_ffff;
  }
}
