package org.nephele.core.codec.streams;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import org.nephele.core.codec.PageEncoder;
import org.nephele.core.codec.Space;
import org.nephele.core.qemu.QemuStreamHandler;
import org.nephele.core.qemu.QemuStreamWriter;
import org.nephele.core.qemu.RamBlock;
import org.nephele.core.qemu.RamLayout;
import org.nephele.core.qemu.StreamEvent;

/**
 * Takes what a QEMU stream reader delivers and puts it into a page stream: pages as pages,
 * everything else as the bytes that it is in QEMU's stream. Its inverse is {@link MemoryDecoder}.
 * For the thread that reads; locks the encoder.
 */
public final class MemoryEncoder implements QemuStreamHandler {
  static final byte BYTES = 0;
  static final byte LAYOUT = 1;
  static final int CONTINUED = 1;
  static final int ZERO_RECORD = 2;

  private final PageEncoder encoder;
  private final long pages;
  private final QemuStreamWriter other = new QemuStreamWriter(new OpaqueItems());
  private final ByteBuffer item = ByteBuffer.allocateDirect(PageEncoder.MAX_OPAQUE);

  /**
   * @param pages how many pages of memory the stream's parameters have; those beyond go as bytes
   */
  public MemoryEncoder(PageEncoder encoder, long pages) {
    this.encoder = encoder;
    this.pages = pages;
  }

  @Override
  public void event(StreamEvent event) throws IOException {
    if (event instanceof StreamEvent.RamBlocks blocks) {
      layout(blocks.layout());
    }
    other.event(event);
  }

  @Override
  public void zeroPage(RamBlock block, long offset, boolean continued, byte fill)
      throws IOException {
    long page = block.memoryPage(offset);
    if (fill != 0 || page >= pages) {
      other.zeroPage(block, offset, continued, fill);
      return;
    }
    other.flush();
    synchronized (encoder) {
      encoder.zeroPage(Space.MEMORY, page, ZERO_RECORD | (continued ? CONTINUED : 0));
    }
  }

  @Override
  public void page(RamBlock block, long offset, boolean continued, ByteBuffer content)
      throws IOException {
    long page = block.memoryPage(offset);
    if (page >= pages) {
      other.page(block, offset, continued, content);
      return;
    }
    other.flush();
    synchronized (encoder) {
      encoder.page(Space.MEMORY, page, continued ? CONTINUED : 0, content);
    }
  }

  @Override
  public void opaque(ByteBuffer bytes) throws IOException {
    other.opaque(bytes);
  }

  /** Gives all that came so far to the encoder, which is still to be flushed. */
  @Override
  public void inputDry() throws IOException {
    other.flush();
  }

  private void layout(RamLayout layout) throws IOException {
    other.flush();
    item.clear().put(LAYOUT).putShort((short) layout.blocks().size());
    for (RamBlock block : layout.blocks()) {
      byte[] name = block.name().getBytes(StandardCharsets.ISO_8859_1);
      if (item.remaining() < 1 + name.length + Long.BYTES) {
        throw new IOException("The guest has too many RAM blocks: " + layout.blocks().size() + ".");
      }
      item.put((byte) name.length).put(name).putLong(block.length());
    }
    send();
  }

  private void send() throws IOException {
    synchronized (encoder) {
      encoder.opaque(Space.MEMORY, item.flip());
    }
  }

  /** Where the writer of QEMU's format sends what isn't a page. */
  private final class OpaqueItems implements WritableByteChannel {
    @Override
    public int write(ByteBuffer bytes) throws IOException {
      item.clear().put(BYTES);
      int count = Math.min(bytes.remaining(), item.remaining());
      item.put(bytes.slice(bytes.position(), count));
      bytes.position(bytes.position() + count);
      send();
      return count;
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}
  }
}
