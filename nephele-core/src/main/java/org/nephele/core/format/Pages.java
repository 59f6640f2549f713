package org.nephele.core.format;

import java.util.Arrays;

/** The unit of comparison, of disks and memory alike. */
public final class Pages {
  /** Bytes. */
  public static final int SIZE = 4096;

  private static final byte[] ZEROS = new byte[SIZE];

  private Pages() {}

  /** How many pages hold that many bytes; the last one may be filled in part. */
  public static long count(long bytes) {
    return bytes / SIZE + (bytes % SIZE == 0 ? 0 : 1);
  }

  /** Whether the page that starts at the offset is all zeros. */
  public static boolean isZero(byte[] bytes, int offset) {
    return Arrays.equals(bytes, offset, offset + SIZE, ZEROS, 0, SIZE);
  }
}
