package org.nephele.core.qemu;

import java.io.IOException;
import java.nio.ByteBuffer;

/** Where a restore gets the content of pages from. Asked in ascending order, by one thread. */
public interface PageSource {
  /** Never asked for more pages at once; 1 MiB. */
  int MOST_PAGES = 256;

  /**
   * The content of some pages.
   *
   * @param first number of a page in the memory file
   * @param count how many are wanted, 1 to {@link #MOST_PAGES}
   * @return the content of 1 to {@code count} pages from {@code first} on, from position to limit;
   *     valid until the next call
   */
  ByteBuffer pages(long first, int count) throws IOException;
}
