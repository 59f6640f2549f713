package org.nephele.core.qemu;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import org.nephele.core.qemu.StreamEvent.Command;
import org.nephele.core.qemu.StreamEvent.EndOfRecords;
import org.nephele.core.qemu.StreamEvent.Footer;
import org.nephele.core.qemu.StreamEvent.SectionEnd;
import org.nephele.core.qemu.StreamEvent.SectionPart;

/**
 * Writes a migration stream from a {@link DeviceState} and its memory, for a QEMU that waits with
 * {@code -incoming defer}: the prefix as it was captured, all pages in one iteration, block by
 * block in ascending order, the end of the memory, and the devices as they were captured.
 */
public final class RestoreStream {
  /** The block of main memory, under QEMU and libvirt, where it is not split into NUMA nodes. */
  private static final String MAIN_MEMORY = "pc.ram";

  /** What becomes of pages that are all zeros. */
  public enum ZeroPages {
    /** All are sent, 9 bytes each, always right. QEMU looks at each: 70 ms for 600 MB of them. */
    SEND,
    /**
     * Those of main memory are left out; all others are sent, for ROM and video memory may have
     * content. Right where main memory is anonymous: nothing writes into it before the stream does
     * (QEMU leaves even the images of {@code -device loader} and of firmware out while it waits for
     * a migration). Wrong where it is a file that may have content.
     */
    SKIP_IN_FRESH_MEMORY
  }

  private final DeviceState state;
  private final PageSource source;
  private final QemuStreamWriter writer;
  private final ZeroPages zeroPages;
  private final StateProgress progress;
  private RamBlock named;
  private long reported;

  private RestoreStream(
      DeviceState state,
      PageSource source,
      ZeroPages zeroPages,
      QemuStreamWriter writer,
      StateProgress progress) {
    this.state = state;
    this.source = source;
    this.zeroPages = zeroPages;
    this.writer = writer;
    this.progress = progress;
  }

  /** As below, with all zero pages. */
  public static long write(
      WritableByteChannel out, DeviceState state, PageSource source, StateProgress progress)
      throws IOException {
    return write(out, state, source, ZeroPages.SEND, progress);
  }

  /**
   * Writes the whole stream. QEMU must be asked afterwards whether it took it.
   *
   * @param out blocking; not closed
   * @param source of the pages that have content
   * @return bytes written
   */
  public static long write(
      WritableByteChannel out,
      DeviceState state,
      PageSource source,
      ZeroPages zeroPages,
      StateProgress progress)
      throws IOException {
    QemuStreamWriter writer = new QemuStreamWriter(out);
    new RestoreStream(state, source, zeroPages, writer, progress).write();
    return writer.offset();
  }

  private void write() throws IOException {
    writer.opaque(ByteBuffer.wrap(state.prefix()));
    writer.event(new SectionPart(state.ramId()));
    for (RamBlock block : state.layout().blocks()) {
      block(block);
    }
    writer.event(new EndOfRecords());
    if (state.footers()) {
      writer.event(new Footer(state.ramId()));
    }
    if (state.switchoverStart()) {
      writer.event(new Command(Command.SWITCHOVER_START, new byte[0]));
    }
    writer.event(new SectionEnd(state.ramId()));
    writer.event(new EndOfRecords());
    writer.opaque(ByteBuffer.wrap(state.devices()));
    writer.flush();
  }

  private void block(RamBlock block) throws IOException {
    long page = block.firstPage();
    long end = page + block.pages();
    while (page < end) {
      if (state.map().get(page)) {
        long next = state.map().next(false, page, Math.min(end, page + PageSource.MOST_PAGES));
        page += content(block, page, source.pages(page, (int) (next - page)));
      } else {
        long next = state.map().next(true, page, end);
        if (zeroPages == ZeroPages.SKIP_IN_FRESH_MEMORY && block.name().equals(MAIN_MEMORY)) {
          page = next;
        }
        for (; page < next; page++) {
          writer.zeroPage(block, offset(block, page), continues(block), (byte) 0);
        }
      }
      if (page - reported >= PageSource.MOST_PAGES) {
        reported = page;
        progress.at(page * RamBlock.PAGE_SIZE, state.layout().bytes());
      }
    }
  }

  private int content(RamBlock block, long page, ByteBuffer content) throws IOException {
    int count = content.remaining() / RamBlock.PAGE_SIZE;
    ByteBuffer view = content.duplicate();
    for (int i = 0; i < count; i++) {
      int at = content.position() + i * RamBlock.PAGE_SIZE;
      view.limit(at + RamBlock.PAGE_SIZE).position(at);
      writer.page(block, offset(block, page + i), continues(block), view);
    }
    return count;
  }

  /** Whether the record before was of the same block, whose name is then left out. */
  private boolean continues(RamBlock block) {
    boolean same = named == block;
    named = block;
    return same;
  }

  private static long offset(RamBlock block, long page) {
    return (page - block.firstPage()) * RamBlock.PAGE_SIZE;
  }
}
