package org.nephele.core.reference;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.LongBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.IntPredicate;

/**
 * Finds pages of an image's disk and memory by their hash, in a memory-mapped file. Immutable,
 * thread-safe; lookups allocate nothing. The format is in the package's description.
 */
public final class PageIndex {
  static final long MAGIC = 0x4E5048494E444558L;
  static final int VERSION = 1;
  static final int HEADER = 4096;
  static final int AT_CONTENT = 16;
  static final int AT_ENTRIES = 96;
  static final int AT_CHECKSUM = 104;
  static final int MIN_BITS = 10;
  static final int MAX_BITS = 31;

  private final HashSlots slots;
  private final long entries;

  private PageIndex(HashSlots slots, long entries) {
    this.slots = slots;
    this.entries = entries;
  }

  /**
   * Opens an index.
   *
   * @throws IOException also when it isn't about this content, is of another version, or damaged:
   *     then it must be built again
   */
  public static PageIndex open(Path file, ContentId content) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      ByteBuffer header = ByteBuffer.allocate(HEADER);
      while (header.hasRemaining() && channel.read(header) >= 0) {}
      if (header.hasRemaining()) {
        throw new IOException("The page index " + file + " is cut short.");
      }
      header.flip();
      if (header.getLong() != MAGIC || header.getInt() != VERSION) {
        throw new IOException("The page index " + file + " is of another version.");
      }
      int bits = header.getInt();
      if (header.getLong(AT_CHECKSUM) != checksum(header)
          || bits < MIN_BITS
          || bits > MAX_BITS
          || channel.size() != HEADER + (8L << bits)) {
        throw new IOException("The page index " + file + " is damaged.");
      }
      if (!content.isAt(header.position(AT_CONTENT))) {
        throw new IOException("The page index " + file + " belongs to another image.");
      }
      HashSlots slots = new HashSlots(map(channel, bits, FileChannel.MapMode.READ_ONLY), bits);
      return new PageIndex(slots, header.getLong(AT_ENTRIES));
    }
  }

  static long checksum(ByteBuffer header) {
    return PageHash.XXH3.of(header.array(), 0, AT_CHECKSUM);
  }

  static LongBuffer[] map(FileChannel channel, int bits, FileChannel.MapMode mode)
      throws IOException {
    LongBuffer[] segments = new LongBuffer[1 << Math.max(0, bits - HashSlots.SEGMENT_BITS)];
    long bytes = (8L << bits) / segments.length;
    for (int i = 0; i < segments.length; i++) {
      segments[i] = channel.map(mode, HEADER + i * bytes, bytes).asLongBuffer();
    }
    return segments;
  }

  /** Pages that it can find. */
  public long entries() {
    return entries;
  }

  /**
   * Finds a page by its hash. Equal hashes prove nothing, so the caller compares.
   *
   * @param accepted gets the locations that may have this content, until it says yes. What it gets
   *     may be any number at all if the file is damaged
   * @return the location accepted, or 0
   */
  public int find(long hash, IntPredicate accepted) {
    return slots.find(hash, accepted);
  }
}
