package org.nephele.core.qemu;

import java.util.List;
import java.util.Optional;

/**
 * All RAM blocks of a guest, in the order of the stream. A memory file holds them one after the
 * other in this order.
 */
public record RamLayout(List<RamBlock> blocks) {
  /** More blocks than any guest has: a few, and one for each PCI option ROM and memory module. */
  public static final int MAX_BLOCKS = 1024;

  /** 16 TiB, more than x86 guests have; keeps sums of lengths far from overflow. */
  public static final long MAX_BYTES = 1L << 44;

  public RamLayout {
    blocks = List.copyOf(blocks);
  }

  /** Bytes of all blocks together, which is the length of their memory file. */
  public long bytes() {
    return pages() * RamBlock.PAGE_SIZE;
  }

  /** Pages of all blocks together. */
  public long pages() {
    return blocks.stream().mapToLong(RamBlock::pages).sum();
  }

  /** The block with this name. */
  public Optional<RamBlock> block(String name) {
    return blocks.stream().filter(block -> block.name().equals(name)).findFirst();
  }
}
