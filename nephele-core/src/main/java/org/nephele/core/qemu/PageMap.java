package org.nephele.core.qemu;

import java.nio.ByteBuffer;

/** One bit for each page of a memory file: set when it has content, clear when it is all zeros. */
final class PageMap {
  private final long pages;
  private final long[] words;

  PageMap(long pages) {
    this.pages = pages;
    this.words = new long[Math.toIntExact((pages + 63) / 64)];
  }

  /** Bytes that {@link #writeTo} writes. */
  static long encodedBytes(long pages) {
    return (pages + 63) / 64 * 8;
  }

  long pages() {
    return pages;
  }

  boolean get(long page) {
    return (words[(int) (page >>> 6)] & 1L << page) != 0;
  }

  void set(long page) {
    words[(int) (page >>> 6)] |= 1L << page;
  }

  void clear(long page) {
    words[(int) (page >>> 6)] &= ~(1L << page);
  }

  /** The first page from {@code from} on, below {@code end}, whose bit is as asked, or else end. */
  long next(boolean set, long from, long end) {
    long page = from;
    while (page < end) {
      long word = words[(int) (page >>> 6)];
      long rest = (set ? word : ~word) >>> page;
      if (rest != 0) {
        return Math.min(end, page + Long.numberOfTrailingZeros(rest));
      }
      page = (page | 63) + 1;
    }
    return end;
  }

  /** Number of pages with content. */
  long count() {
    long count = 0;
    for (long word : words) {
      count += Long.bitCount(word);
    }
    return count;
  }

  void writeTo(ByteBuffer out) {
    for (long word : words) {
      out.putLong(word);
    }
  }

  /** Reads what {@link #writeTo} wrote; bits beyond the last page are ignored. */
  static PageMap readFrom(ByteBuffer in, long pages) {
    PageMap map = new PageMap(pages);
    for (int i = 0; i < map.words.length; i++) {
      map.words[i] = in.getLong();
    }
    return map;
  }
}
