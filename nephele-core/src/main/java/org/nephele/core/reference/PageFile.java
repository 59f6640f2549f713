package org.nephele.core.reference;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * The pages of a file that never changes, memory-mapped. Where the file doesn't end on a page, the
 * last page is filled up with zeros. Thread-safe.
 *
 * <p>The mapping lives until the object is collected; it costs address space, not memory. The file
 * must not be cut short meanwhile: the JVM would get an InternalError for the lost pages.
 */
public final class PageFile {
  /** Bytes. */
  public static final int PAGE = 4096;

  // A ByteBuffer ends at 2 GiB.
  private static final int SEGMENT_BITS = 30;
  private static final int SEGMENT_PAGES = 1 << SEGMENT_BITS - 12;

  private final long bytes;
  private final long wholePages;
  private final ByteBuffer[] segments;
  private final byte[] tail;

  private PageFile(long bytes, ByteBuffer[] segments, byte[] tail) {
    this.bytes = bytes;
    this.wholePages = bytes / PAGE;
    this.segments = segments;
    this.tail = tail;
  }

  /**
   * Maps a file for reading.
   *
   * @throws IOException also when the file has more than 4 TiB
   */
  public static PageFile open(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long bytes = channel.size();
      if (bytes / PAGE >= Location.MAX_PAGES) {
        throw new IOException(file + " is too big to be a reference: it has more than 4 TiB.");
      }
      ByteBuffer[] segments =
          new ByteBuffer[(int) (bytes + (1L << SEGMENT_BITS) - 1 >> SEGMENT_BITS)];
      for (int i = 0; i < segments.length; i++) {
        long start = (long) i << SEGMENT_BITS;
        long length = Math.min(1L << SEGMENT_BITS, bytes - start);
        segments[i] = channel.map(FileChannel.MapMode.READ_ONLY, start, length);
      }
      int rest = (int) (bytes % PAGE);
      byte[] tail = new byte[rest == 0 ? 0 : PAGE];
      if (rest > 0) {
        ByteBuffer last = segments[segments.length - 1];
        last.get(last.capacity() - rest, tail, 0, rest);
      }
      return new PageFile(bytes, segments, tail);
    }
  }

  /** The file's length. */
  public long bytes() {
    return bytes;
  }

  /** Pages, a last incomplete one included. */
  public long pages() {
    return wholePages + (tail.length == 0 ? 0 : 1);
  }

  /**
   * Copies a page.
   *
   * @param page less than {@link #pages()}
   * @param target gets 4096 bytes from the offset on
   */
  public void read(long page, byte[] target, int offset) {
    if (page == wholePages && tail.length > 0) {
      System.arraycopy(tail, 0, target, offset, PAGE);
      return;
    }
    if (page < 0 || page >= wholePages) {
      throw new IndexOutOfBoundsException("page " + page + " of " + pages());
    }
    segments[(int) (page / SEGMENT_PAGES)].get(
        (int) (page % SEGMENT_PAGES) * PAGE, target, offset, PAGE);
  }
}
