package org.nephele.core.qemu;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import org.nephele.core.qemu.StreamEvent.Command;
import org.nephele.core.qemu.StreamEvent.Configuration;
import org.nephele.core.qemu.StreamEvent.ConfigurationSubsection;
import org.nephele.core.qemu.StreamEvent.EndOfRecords;
import org.nephele.core.qemu.StreamEvent.EndOfStream;
import org.nephele.core.qemu.StreamEvent.Footer;
import org.nephele.core.qemu.StreamEvent.Header;
import org.nephele.core.qemu.StreamEvent.OpaqueFromHere;
import org.nephele.core.qemu.StreamEvent.RamBlocks;
import org.nephele.core.qemu.StreamEvent.SectionEnd;
import org.nephele.core.qemu.StreamEvent.SectionPart;
import org.nephele.core.qemu.StreamEvent.SectionStart;
import org.nephele.core.qemu.StreamEvent.XbzrlePage;

/**
 * Turns the events of a {@link QemuStreamReader} back into the same bytes. Collects them in one
 * buffer and sends it when it is full, and on {@link #flush()} or {@link #inputDry()}. Not
 * thread-safe.
 */
public final class QemuStreamWriter implements QemuStreamHandler {
  private static final int BUFFER = 1 << 20;

  /** The longest thing that is put at once: a block with its name, or a page with its record. */
  private static final int MAX_RECORD = 8 + 1 + 255 + 3 + RamBlock.PAGE_SIZE;

  private final WritableByteChannel out;
  private final ByteBuffer buffer;
  private long flushed;

  /**
   * @param out blocking; not closed
   */
  public QemuStreamWriter(WritableByteChannel out) {
    this(out, ByteBuffer.allocateDirect(BUFFER));
  }

  /**
   * @param buffer empty, with room for the longest configuration or command at least
   */
  QemuStreamWriter(WritableByteChannel out, ByteBuffer buffer) {
    this.out = out;
    this.buffer = buffer;
  }

  /** Bytes of the stream so far, sent or collected. */
  public long offset() {
    return flushed + buffer.position();
  }

  @Override
  public void event(StreamEvent event) throws IOException {
    room(MAX_RECORD);
    if (event instanceof Header header) {
      buffer.putInt(QemuStreamParser.MAGIC).putInt(header.version());
    } else if (event instanceof Configuration configuration) {
      byte[] machineType = latin1(configuration.machineType());
      buffer.put((byte) QemuStreamParser.CONFIGURATION).putInt(machineType.length);
      put(machineType);
    } else if (event instanceof ConfigurationSubsection subsection) {
      buffer.put((byte) QemuStreamParser.SUBSECTION);
      putName(latin1(subsection.name()));
      buffer.putInt(subsection.version());
      put(subsection.fields());
    } else if (event instanceof SectionStart start) {
      buffer.put((byte) QemuStreamParser.START).putInt(start.id());
      putName(latin1(start.name()));
      buffer.putInt(start.instance()).putInt(start.version());
    } else if (event instanceof SectionPart part) {
      buffer.put((byte) QemuStreamParser.PART).putInt(part.id());
    } else if (event instanceof SectionEnd end) {
      buffer.put((byte) QemuStreamParser.END).putInt(end.id());
    } else if (event instanceof RamBlocks blocks) {
      blocks(blocks.layout());
    } else if (event instanceof XbzrlePage page) {
      record(RamRecords.XBZRLE, page.block(), page.offset(), page.continued());
      buffer.put((byte) page.encoding()).putShort((short) page.delta().length);
      buffer.put(page.delta());
    } else if (event instanceof EndOfRecords) {
      buffer.putLong(RamRecords.EOS);
    } else if (event instanceof Footer footer) {
      buffer.put((byte) QemuStreamParser.FOOTER).putInt(footer.id());
    } else if (event instanceof Command command) {
      buffer.put((byte) QemuStreamParser.COMMAND);
      buffer.putShort((short) command.command()).putShort((short) command.body().length);
      put(command.body());
    } else if (event instanceof EndOfStream) {
      flush();
    } else if (!(event instanceof OpaqueFromHere)) {
      throw new AssertionError(event);
    }
  }

  @Override
  public void zeroPage(RamBlock block, long offset, boolean continued, byte fill)
      throws IOException {
    room(MAX_RECORD);
    record(RamRecords.ZERO, block, offset, continued);
    buffer.put(fill);
  }

  @Override
  public void page(RamBlock block, long offset, boolean continued, ByteBuffer page)
      throws IOException {
    room(MAX_RECORD);
    record(RamRecords.PAGE, block, offset, continued);
    buffer.put(page);
  }

  @Override
  public void opaque(ByteBuffer bytes) throws IOException {
    if (bytes.remaining() > buffer.remaining()) {
      flush();
    }
    if (bytes.remaining() <= buffer.remaining()) {
      buffer.put(bytes);
    } else {
      send(bytes);
    }
  }

  @Override
  public void inputDry() throws IOException {
    flush();
  }

  /** Sends all that was collected. */
  public void flush() throws IOException {
    if (buffer.position() > 0) {
      buffer.flip();
      send(buffer);
      buffer.clear();
    }
  }

  private void send(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      flushed += out.write(bytes);
    }
  }

  private void blocks(RamLayout layout) throws IOException {
    buffer.putLong(layout.bytes() | RamRecords.MEM_SIZE);
    for (RamBlock block : layout.blocks()) {
      room(MAX_RECORD);
      putName(block.nameBytes());
      buffer.putLong(block.length());
      block.pageSize().ifPresent(buffer::putLong);
      block.guestAddress().ifPresent(buffer::putLong);
    }
  }

  private void record(int flag, RamBlock block, long offset, boolean continued) {
    if (continued) {
      buffer.putLong(offset | flag | RamRecords.CONTINUE);
    } else {
      buffer.putLong(offset | flag);
      putName(block.nameBytes());
    }
  }

  private void putName(byte[] name) {
    buffer.put((byte) name.length).put(name);
  }

  /** Puts what may be longer than a record. */
  private void put(byte[] bytes) throws IOException {
    room(bytes.length);
    buffer.put(bytes);
  }

  private static byte[] latin1(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private void room(int count) throws IOException {
    if (buffer.remaining() < count) {
      flush();
    }
  }
}
