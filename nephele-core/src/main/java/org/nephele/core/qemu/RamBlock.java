package org.nephele.core.qemu;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.OptionalLong;

/**
 * One block of guest RAM, ROM or video memory as the stream announces it.
 *
 * @param index position in the block list, from 0
 * @param name QEMU's id of the block, such as {@code pc.ram}; Latin-1, so that any bytes survive
 * @param length bytes, a multiple of 4096
 * @param pageSize the extra page size field; present only where the stream has it
 * @param guestAddress the extra address field of {@code x-ignore-shared}, if the stream has it
 * @param firstPage where this block begins in a memory file that holds all blocks one after the
 *     other, in pages
 */
public record RamBlock(
    int index,
    String name,
    long length,
    OptionalLong pageSize,
    OptionalLong guestAddress,
    long firstPage) {

  /** Bytes in a page of the stream. */
  public static final int PAGE_SIZE = 4096;

  /** Number of 4096-byte pages. */
  public long pages() {
    return length / PAGE_SIZE;
  }

  /** The page of the memory file that holds the page at {@code offset} bytes into this block. */
  public long memoryPage(long offset) {
    return firstPage + offset / PAGE_SIZE;
  }

  /** Whether the {@code count} bytes at {@code at} spell this block's name. Allocates nothing. */
  boolean isNamed(ByteBuffer in, int at, int count) {
    if (count != name.length()) {
      return false;
    }
    for (int i = 0; i < count; i++) {
      if ((in.get(at + i) & 0xff) != name.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  byte[] nameBytes() {
    return name.getBytes(StandardCharsets.ISO_8859_1);
  }
}
