package org.nephele.core.format;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.Arrays;

/** Finds the pages in which a file differs from an image's. For one thread. */
public final class PageDiff {
  private static final int CHUNK_PAGES = 256;

  private final FileChannel base;
  private final DeltaWriter delta;
  private final byte[] baseBytes = new byte[CHUNK_PAGES * Pages.SIZE];
  private final byte[] changedBytes = new byte[CHUNK_PAGES * Pages.SIZE];

  /** Whether to go on, asked once a chunk (1 MiB). */
  @FunctionalInterface
  public interface Progress {
    /**
     * @param done bytes compared so far in this call
     */
    void compared(long done) throws IOException;
  }

  /**
   * @param base read only; what lies beyond its end counts as zeros
   */
  public PageDiff(FileChannel base, DeltaWriter delta) {
    this.base = base;
    this.delta = delta;
  }

  /**
   * Compares pages of the base with what another file holds, and writes those that differ.
   *
   * @param changed what lies beyond its end counts as zeros
   * @param position where the first page is in {@code changed}, bytes
   * @param first number of the first page in the base
   * @param count how many pages
   */
  public void compare(FileChannel changed, long position, long first, long count, Progress progress)
      throws IOException {
    for (long done = 0; done < count; done += CHUNK_PAGES) {
      int pages = (int) Math.min(CHUNK_PAGES, count - done);
      fill(changed, position + done * Pages.SIZE, changedBytes, pages);
      diffChunk(first + done, pages);
      progress.compared((done + pages) * Pages.SIZE);
    }
  }

  /** Writes those pages of the range that aren't zeros in the base, as zeros. */
  public void zeros(long first, long count, Progress progress) throws IOException {
    Arrays.fill(changedBytes, (byte) 0);
    for (long done = 0; done < count; done += CHUNK_PAGES) {
      int pages = (int) Math.min(CHUNK_PAGES, count - done);
      diffChunk(first + done, pages);
      progress.compared((done + pages) * Pages.SIZE);
    }
  }

  private void diffChunk(long first, int pages) throws IOException {
    fill(base, first * Pages.SIZE, baseBytes, pages);
    int length = pages * Pages.SIZE;
    int at = 0;
    while (at < length) {
      int same = Arrays.mismatch(baseBytes, at, length, changedBytes, at, length);
      if (same < 0) {
        return;
      }
      int page = (at + same) / Pages.SIZE;
      delta.page(first + page, changedBytes, page * Pages.SIZE);
      at = (page + 1) * Pages.SIZE;
    }
  }

  private static void fill(FileChannel file, long position, byte[] bytes, int pages)
      throws IOException {
    ByteBuffer buffer = ByteBuffer.wrap(bytes, 0, pages * Pages.SIZE);
    while (buffer.hasRemaining()) {
      int read = file.read(buffer, position);
      if (read < 0) {
        Arrays.fill(bytes, buffer.position(), buffer.limit(), (byte) 0);
        return;
      }
      position += read;
    }
  }
}
