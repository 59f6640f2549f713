package org.nephele.core.format;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/**
 * Writes a new file from its start to its end, and leaves out pages of zeros, so that they become
 * holes. For one thread.
 */
final class SparseWriter {
  private final FileChannel file;
  private long position;

  /**
   * @param file empty
   */
  SparseWriter(FileChannel file) {
    this.file = file;
  }

  /**
   * @param length a multiple of the page size, but for the last call
   */
  void write(byte[] bytes, int length) throws IOException {
    int at = 0;
    while (at < length) {
      int end = at;
      while (end < length && !zeroPage(bytes, end, length)) {
        end = Math.min(length, end + Pages.SIZE);
      }
      ByteBuffer run = ByteBuffer.wrap(bytes, at, end - at);
      while (run.hasRemaining()) {
        file.write(run, position + run.position());
      }
      at = end;
      while (at < length && zeroPage(bytes, at, length)) {
        at += Pages.SIZE;
      }
    }
    position += length;
  }

  private static boolean zeroPage(byte[] bytes, int offset, int length) {
    return offset + Pages.SIZE <= length && Pages.isZero(bytes, offset);
  }

  /** Gives the file its length, also when it ends with a hole. */
  void finish() throws IOException {
    if (file.size() < position) {
      // FileChannel can only cut files; the last byte of the hole has to be written.
      file.write(ByteBuffer.allocate(1), position - 1);
    }
  }
}
