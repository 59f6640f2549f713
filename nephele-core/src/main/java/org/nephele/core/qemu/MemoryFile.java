package org.nephele.core.qemu;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/**
 * Pages straight from a memory file, which is not copied and not mapped: JDK 17 can't unmap, and a
 * file that somebody cuts would take the process down. For one thread.
 */
public final class MemoryFile implements PageSource {
  private final FileChannel file;
  private final ByteBuffer buffer =
      ByteBuffer.allocateDirect(PageSource.MOST_PAGES * RamBlock.PAGE_SIZE);

  /**
   * @param file read only, not closed here
   * @param layout what it must hold
   * @throws IOException if it has another length
   */
  public MemoryFile(FileChannel file, RamLayout layout) throws IOException {
    this.file = file;
    if (file.size() != layout.bytes()) {
      throw new IOException(
          "The memory file has %d bytes, its device state is for %d"
              .formatted(file.size(), layout.bytes()));
    }
  }

  @Override
  public ByteBuffer pages(long first, int count) throws IOException {
    buffer.clear().limit(count * RamBlock.PAGE_SIZE);
    long position = first * RamBlock.PAGE_SIZE;
    while (buffer.hasRemaining()) {
      int read = file.read(buffer, position);
      if (read < 0) {
        throw new EOFException("the memory file ends at byte " + position);
      }
      position += read;
    }
    return buffer.flip();
  }
}
