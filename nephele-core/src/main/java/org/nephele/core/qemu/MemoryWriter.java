package org.nephele.core.qemu;

import java.io.Closeable;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Writes pages into a sparse memory file, in any order, the last one wins. Neighbours that come one
 * after the other go out in one write. Not thread-safe.
 */
final class MemoryWriter implements Closeable {
  private static final int RUN_PAGES = 256;

  private final FileChannel file;
  private final PageMap map;
  private final ByteBuffer run = ByteBuffer.allocateDirect(RUN_PAGES * RamBlock.PAGE_SIZE);
  private final ByteBuffer zeros = ByteBuffer.allocateDirect(RamBlock.PAGE_SIZE);
  private long runStart;

  /**
   * @param path does not exist yet
   */
  MemoryWriter(Path path, RamLayout layout) throws IOException {
    Files.createFile(path);
    // FileChannel can't lengthen a file. Closing the channel closes the other, too.
    RandomAccessFile sized = new RandomAccessFile(path.toFile(), "rw");
    file = sized.getChannel();
    try {
      sized.setLength(layout.bytes());
      map = new PageMap(layout.pages());
    } catch (IOException | RuntimeException e) {
      file.close();
      throw e;
    }
  }

  /** Which pages have content. */
  PageMap map() {
    return map;
  }

  void page(long page, ByteBuffer content) throws IOException {
    if (page != runStart + run.position() / RamBlock.PAGE_SIZE || !run.hasRemaining()) {
      flush();
      runStart = page;
    }
    run.put(content);
    map.set(page);
  }

  void zero(long page) throws IOException {
    if (map.get(page)) {
      // The page had content in an earlier iteration: a hole can't be made of it again.
      page(page, zeros.clear());
      map.clear(page);
    }
  }

  void flush() throws IOException {
    run.flip();
    long position = runStart * RamBlock.PAGE_SIZE;
    while (run.hasRemaining()) {
      position += file.write(run, position);
    }
    run.clear();
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
