package org.nephele.core.format;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * How long the list of a zip's entries is. {@link java.util.zip.ZipFile} takes it into memory as a
 * whole, whatever length a hostile file gives for it, so this is looked at before. Stateless.
 */
final class ZipDirectory {
  /** Images and snapshots have five entries at most. */
  private static final int MOST_ENTRIES = 64;

  private static final int MOST_BYTES = 64 << 10;

  private static final int END_BYTES = 22;
  private static final int LOCATOR_BYTES = 20;
  private static final int END64_BYTES = 56;
  private static final int END_MAGIC = 0x06054b50;
  private static final int LOCATOR_MAGIC = 0x07064b50;
  private static final int END64_MAGIC = 0x06064b50;

  /** Says in the short record that the long one (zip64) has the number. */
  private static final long NO_COUNT = 0xffff;

  private static final long NO_SIZE = 0xffffffffL;

  private ZipDirectory() {}

  private record End(long entries, long bytes, long offset) {}

  /**
   * Refuses what is no regular file, doesn't end with the end record of a zip (without a comment,
   * so that there is only one place where it can be), or has a list of entries that can't be ours.
   */
  static void check(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new FormatException("it is no regular file");
    }
    try (FileChannel channel = FileChannel.open(file)) {
      long at = channel.size() - END_BYTES;
      ByteBuffer bytes = read(channel, at, END_BYTES);
      if (bytes == null || bytes.getInt(0) != END_MAGIC || bytes.getShort(20) != 0) {
        throw new FormatException("it is no complete zip file");
      }
      End end =
          new End(
              Short.toUnsignedLong(bytes.getShort(10)),
              Integer.toUnsignedLong(bytes.getInt(12)),
              Integer.toUnsignedLong(bytes.getInt(16)));
      end = withZip64(channel, at, end);
      if (end.entries > MOST_ENTRIES || end.bytes < 0 || end.bytes > MOST_BYTES) {
        throw new FormatException("it lists more files than an image or a snapshot has");
      }
    }
  }

  /** ZipFile takes the long record only when the two agree; a file where they don't is refused. */
  private static End withZip64(FileChannel channel, long at, End end) throws IOException {
    ByteBuffer locator = read(channel, at - LOCATOR_BYTES, LOCATOR_BYTES);
    if (locator == null || locator.getInt(0) != LOCATOR_MAGIC) {
      return end;
    }
    ByteBuffer bytes = read(channel, locator.getLong(8), END64_BYTES);
    if (bytes == null || bytes.getInt(0) != END64_MAGIC) {
      throw new FormatException("it is no complete zip file");
    }
    return new End(
        either(end.entries, NO_COUNT, bytes.getLong(32)),
        either(end.bytes, NO_SIZE, bytes.getLong(40)),
        either(end.offset, NO_SIZE, bytes.getLong(48)));
  }

  private static long either(long value, long none, long value64) throws FormatException {
    if (value != none && value != value64 || value64 < 0) {
      throw new FormatException("it is a zip file that contradicts itself");
    }
    return value64;
  }

  /** Null where the file doesn't have that many bytes. */
  private static ByteBuffer read(FileChannel channel, long at, int length) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    while (at >= 0 && bytes.hasRemaining()) {
      if (channel.read(bytes, at + bytes.position()) < 0) {
        break;
      }
    }
    return bytes.hasRemaining() ? null : bytes;
  }
}
