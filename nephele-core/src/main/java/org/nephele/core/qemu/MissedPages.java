package org.nephele.core.qemu;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.CRC32C;
import org.nephele.core.qemu.StreamEvent.EndOfRecords;
import org.nephele.core.qemu.StreamEvent.RamBlocks;
import org.nephele.core.qemu.StreamEvent.SectionEnd;
import org.nephele.core.qemu.StreamEvent.XbzrlePage;

/**
 * Adds the pages that QEMU forgot to a live migration's stream. QEMU before 9.0 loses track of
 * pages that an emulated CPU (TCG) writes: after it has cleared their dirty bits, the CPU's TLB
 * still lets writes pass without a note (mended by "physmem: Fix migration dirty bitmap coherency
 * with TCG memory access"). Measured with 7.2 and nothing else in between: up to 8 stale pages in 2
 * of 12 migrations of an idle guest; their owner is often the guest's kernel, which dies of it.
 *
 * <p>So what was sent last of each page is remembered as a checksum, and at the section's end, when
 * the guest stands still, compared with its memory. That takes about 1 s for each GiB of the guest
 * more downtime. Not thread-safe, as any handler.
 */
public final class MissedPages implements QemuStreamHandler {
  private static final int PAGE = RamBlock.PAGE_SIZE;
  private static final int CHUNK = 256 * PAGE;

  /** For pages of which it is not known what the receiver has. */
  private static final long UNKNOWN = 0;

  /** The memory of the guest that sends, as it is now. */
  public interface GuestMemory {
    /** Whether the block can be read; ROMs and video memory may be left out. */
    boolean has(RamBlock block) throws IOException;

    /** Fills the buffer up to its limit from that offset of the block, and flips it. */
    void read(RamBlock block, long offset, ByteBuffer into) throws IOException;
  }

  private final GuestMemory memory;
  private final QemuStreamHandler next;
  private final Map<String, long[]> sent = new HashMap<>();
  private final CRC32 crc32 = new CRC32();
  private final CRC32C crc32c = new CRC32C();
  private final ByteBuffer filled = ByteBuffer.allocateDirect(PAGE);
  private final long zeroSum;
  private RamLayout layout = new RamLayout(List.of());
  private boolean lastSection;
  private long compared;
  private long added;

  public MissedPages(GuestMemory memory, QemuStreamHandler next) {
    this.memory = memory;
    this.next = next;
    this.zeroSum = sum(filled.duplicate());
  }

  /** Pages that were compared with the guest's memory. */
  public long compared() {
    return compared;
  }

  /** Pages that QEMU had forgotten. */
  public long added() {
    return added;
  }

  @Override
  public void event(StreamEvent event) throws IOException {
    if (event instanceof RamBlocks blocks) {
      layout = blocks.layout();
      for (RamBlock block : layout.blocks()) {
        if (memory.has(block)) {
          sent.put(block.name(), new long[Math.toIntExact(block.pages())]);
        }
      }
    } else if (event instanceof XbzrlePage page) {
      note(page.block(), page.offset(), UNKNOWN);
    } else if (event instanceof SectionEnd) {
      lastSection = true;
    } else if (event instanceof EndOfRecords && lastSection) {
      lastSection = false;
      compare();
    }
    next.event(event);
  }

  @Override
  public void zeroPage(RamBlock block, long offset, boolean continued, byte fill)
      throws IOException {
    if (fill == 0) {
      note(block, offset, zeroSum);
    } else {
      ByteBuffer page = ByteBuffer.allocate(PAGE);
      Arrays.fill(page.array(), fill);
      note(block, offset, sum(page));
    }
    next.zeroPage(block, offset, continued, fill);
  }

  @Override
  public void page(RamBlock block, long offset, boolean continued, ByteBuffer page)
      throws IOException {
    note(block, offset, sum(page.duplicate()));
    next.page(block, offset, continued, page);
  }

  @Override
  public void opaque(ByteBuffer bytes) throws IOException {
    next.opaque(bytes);
  }

  @Override
  public void inputDry() throws IOException {
    next.inputDry();
  }

  private void note(RamBlock block, long offset, long sum) {
    long[] sums = sent.get(block.name());
    if (sums != null) {
      sums[(int) (offset / PAGE)] = sum;
    }
  }

  private void compare() throws IOException {
    ByteBuffer chunk = ByteBuffer.allocateDirect(CHUNK);
    for (RamBlock block : layout.blocks()) {
      long[] sums = sent.get(block.name());
      if (sums == null) {
        continue;
      }
      for (int first = 0; first < sums.length; first += CHUNK / PAGE) {
        int count = Math.min(CHUNK / PAGE, sums.length - first);
        chunk.clear().limit(count * PAGE);
        memory.read(block, (long) first * PAGE, chunk);
        for (int i = 0; i < count; i++) {
          compare(block, first + i, chunk.slice(i * PAGE, PAGE), sums);
        }
      }
    }
  }

  private void compare(RamBlock block, int number, ByteBuffer page, long[] sums)
      throws IOException {
    compared++;
    long now = sum(page.duplicate());
    if (now != sums[number]) {
      added++;
      sums[number] = now;
      // With the block's name, whatever block QEMU's own last record was of.
      next.page(block, (long) number * PAGE, false, page);
    }
  }

  /** Two unlike CRCs, both done by the processor: 64 bits, and no library. */
  private long sum(ByteBuffer page) {
    crc32.reset();
    crc32.update(page.duplicate());
    crc32c.reset();
    crc32c.update(page);
    long sum = crc32.getValue() << 32 | crc32c.getValue();
    return sum == UNKNOWN ? 1 : sum;
  }
}
