package org.nephele.core.reference;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * Which content an index is about.
 *
 * @param diskBytes length of the disk; 0 if it has none
 * @param memoryBytes length of the memory; 0 if it has none
 * @param diskSha256 64 hex digits; empty if it has no disk
 * @param memorySha256 64 hex digits; empty if it has no memory
 */
public record ContentId(long diskBytes, long memoryBytes, String diskSha256, String memorySha256) {
  private static final int HASH_BYTES = 32;

  void put(ByteBuffer target) {
    target.putLong(diskBytes).putLong(memoryBytes).put(hash(diskSha256)).put(hash(memorySha256));
  }

  /** Whether these bytes are what {@link #put} writes. */
  boolean isAt(ByteBuffer source) {
    byte[] disk = new byte[HASH_BYTES];
    byte[] memory = new byte[HASH_BYTES];
    boolean sizes = source.getLong() == diskBytes & source.getLong() == memoryBytes;
    source.get(disk).get(memory);
    return sizes
        && Arrays.equals(disk, hash(diskSha256))
        && Arrays.equals(memory, hash(memorySha256));
  }

  private static byte[] hash(String hex) {
    return hex.isEmpty() ? new byte[HASH_BYTES] : HexFormat.of().parseHex(hex);
  }
}
