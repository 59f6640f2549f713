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
 *
 * <p>Zero pages are sent, too, 9 bytes each: only main memory is sure to be zero in a fresh QEMU,
 * while ROM and video blocks are not, and 768 MiB cost 1.7 MB at most.
 */
public final class RestoreStream {
  private final DeviceState state;
  private final PageSource source;
  private final QemuStreamWriter writer;
  private final StateProgress progress;
  private long reported;

  private RestoreStream(
      DeviceState state, PageSource source, QemuStreamWriter writer, StateProgress progress) {
    this.state = state;
    this.source = source;
    this.writer = writer;
    this.progress = progress;
  }

  /**
   * Writes the whole stream. QEMU must be asked afterwards whether it took it.
   *
   * @param out blocking; not closed
   * @param source of the pages that have content
   * @return bytes written
   */
  public static long write(
      WritableByteChannel out, DeviceState state, PageSource source, StateProgress progress)
      throws IOException {
    QemuStreamWriter writer = new QemuStreamWriter(out);
    new RestoreStream(state, source, writer, progress).write();
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
    long first = block.firstPage();
    long end = first + block.pages();
    long page = first;
    while (page < end) {
      if (state.map().get(page)) {
        long next = state.map().next(false, page, Math.min(end, page + PageSource.MOST_PAGES));
        page += content(block, page, source.pages(page, (int) (next - page)));
      } else {
        long next = state.map().next(true, page, end);
        for (; page < next; page++) {
          writer.zeroPage(block, offset(block, page), page > first, (byte) 0);
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
      writer.page(block, offset(block, page + i), page + i > block.firstPage(), view);
    }
    return count;
  }

  private static long offset(RamBlock block, long page) {
    return (page - block.firstPage()) * RamBlock.PAGE_SIZE;
  }
}
