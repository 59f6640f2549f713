package org.nephele.core.format;

import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;

/**
 * Writes a delta (see the package's description). Pages come in ascending order; neighbours are
 * joined to runs here. Holds at most one run (1 MiB). For one thread.
 */
public final class DeltaWriter {
  /** The most pages with content in one run. */
  static final int MAX_CONTENT_RUN = 256;

  /** The most pages of zeros in one run. */
  static final int MAX_ZERO_RUN = Integer.MAX_VALUE;

  static final int ZERO = 1 << 31;

  private final DataOutputStream out;
  private final byte[] content = new byte[MAX_CONTENT_RUN * Pages.SIZE];
  private long first;
  private long count;
  private boolean zero;
  private long contentPages;
  private long zeroPages;

  /** Does not close the stream, nor need it be buffered. */
  public DeltaWriter(OutputStream out) {
    this.out = new DataOutputStream(out);
  }

  /**
   * Adds a page as it is now, all zeros or not.
   *
   * @param page its number, higher than all before
   */
  public void page(long page, byte[] bytes, int offset) throws IOException {
    if (Pages.isZero(bytes, offset)) {
      extend(page, true, MAX_ZERO_RUN);
      zeroPages++;
    } else {
      extend(page, false, MAX_CONTENT_RUN);
      System.arraycopy(bytes, offset, content, (int) (count - 1) * Pages.SIZE, Pages.SIZE);
      contentPages++;
    }
  }

  private void extend(long page, boolean zero, int most) throws IOException {
    if (page < first + count) {
      throw new IllegalArgumentException("page " + page + " comes after " + (first + count - 1));
    }
    if (count > 0 && (this.zero != zero || page != first + count || count == most)) {
      flushRun();
    }
    if (count == 0) {
      this.first = page;
      this.zero = zero;
    }
    count++;
  }

  private void flushRun() throws IOException {
    out.writeLong(first);
    if (zero) {
      out.writeInt((int) count | ZERO);
    } else {
      out.writeInt((int) count);
      out.write(content, 0, (int) count * Pages.SIZE);
    }
    first += count;
    count = 0;
  }

  /** Writes what is left, and the end. */
  public void finish() throws IOException {
    if (count > 0) {
      flushRun();
    }
    out.writeLong(0);
    out.writeInt(0);
    out.flush();
  }

  /** Pages written with content so far. */
  public long contentPages() {
    return contentPages;
  }

  /** Pages written as zeros so far. */
  public long zeroPages() {
    return zeroPages;
  }
}
