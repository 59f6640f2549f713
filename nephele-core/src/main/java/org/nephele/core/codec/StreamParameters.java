package org.nephele.core.codec;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import org.nephele.core.reference.Location;

/**
 * What both ends of a page stream must agree on. The encoder sends it first, the decoder compares.
 *
 * @param memoryPages how many pages of memory the stream may name
 * @param diskPages how many pages of disk
 * @param sentPagesLimit the most pages that {@link SentPages} may hold at either end; its file has
 *     this many times 4096 bytes at most
 * @param memoryReference SHA-256 of the reference memory, 64 hex digits; empty when there is none
 * @param diskReference the same for the disk
 */
public record StreamParameters(
    long memoryPages,
    long diskPages,
    int sentPagesLimit,
    String memoryReference,
    String diskReference) {
  private static final int HASH_BYTES = 32;

  /** In the first frame: u64, u64, u32, the hashes, u64. */
  static final int BYTES = 8 + 8 + 4 + 2 * HASH_BYTES + 8;

  public StreamParameters {
    if (memoryPages < 0
        || memoryPages >= Location.MAX_PAGES
        || diskPages < 0
        || diskPages >= Location.MAX_PAGES
        || sentPagesLimit < 0
        || sentPagesLimit >= Location.MAX_PAGES) {
      throw new IllegalArgumentException(
          "out of range: " + memoryPages + ", " + diskPages + ", " + sentPagesLimit);
    }
    checkHash(memoryReference);
    checkHash(diskReference);
  }

  long pages(Space space) {
    return space == Space.DISK ? diskPages : memoryPages;
  }

  /**
   * Writes the body of the first frame.
   *
   * @param held {@link SentPagesState#fingerprint} of what earlier streams have sent
   */
  void put(ByteBuffer target, long held) {
    target.putLong(memoryPages).putLong(diskPages).putInt(sentPagesLimit);
    target.put(hash(memoryReference)).put(hash(diskReference)).putLong(held);
  }

  /**
   * Compares with what the other end sent.
   *
   * @return what differs as a part of a sentence, empty when all is equal
   */
  String difference(ByteBuffer sent, long held) {
    long theirMemory = sent.getLong();
    long theirDisk = sent.getLong();
    int theirLimit = sent.getInt();
    byte[] theirMemoryReference = new byte[HASH_BYTES];
    byte[] theirDiskReference = new byte[HASH_BYTES];
    sent.get(theirMemoryReference).get(theirDiskReference);
    if (theirMemory != memoryPages || theirDisk != diskPages) {
      return "the sender has %d pages of memory and %d of disk in mind, this end has %d and %d"
          .formatted(theirMemory, theirDisk, memoryPages, diskPages);
    }
    if (theirLimit != sentPagesLimit) {
      return "the sender keeps %d pages, this end %d".formatted(theirLimit, sentPagesLimit);
    }
    if (!Arrays.equals(theirMemoryReference, hash(memoryReference))) {
      return "the two ends don't have the same reference memory";
    }
    if (!Arrays.equals(theirDiskReference, hash(diskReference))) {
      return "the two ends don't have the same reference disk";
    }
    if (sent.getLong() != held) {
      return "the two ends don't hold the same pages of earlier streams";
    }
    return "";
  }

  private static byte[] hash(String hex) {
    return hex.isEmpty() ? new byte[HASH_BYTES] : HexFormat.of().parseHex(hex);
  }

  private static void checkHash(String hex) {
    if (!hex.isEmpty() && !hex.matches("[0-9a-f]{64}")) {
      throw new IllegalArgumentException("not a SHA-256: " + hex);
    }
  }
}
