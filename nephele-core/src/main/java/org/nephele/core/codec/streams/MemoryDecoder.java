package org.nephele.core.codec.streams;

import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.nephele.core.qemu.QemuStreamWriter;
import org.nephele.core.qemu.RamBlock;
import org.nephele.core.qemu.RamLayout;

/**
 * Writes QEMU's migration stream from the memory items of a page stream, the inverse of {@link
 * MemoryEncoder}. To be given the items by the {@link org.nephele.core.codec.PageSink}. Not
 * thread-safe.
 */
public final class MemoryDecoder {
  private final QemuStreamWriter writer;
  private RamLayout layout = new RamLayout(List.of());

  /** Neighbours are in the same block nearly always. */
  private RamBlock last;

  /**
   * @param out to the QEMU that receives; blocking, not closed
   */
  public MemoryDecoder(WritableByteChannel out) {
    this.writer = new QemuStreamWriter(out);
  }

  /** Bytes of QEMU's stream so far. */
  public long offset() {
    return writer.offset();
  }

  /**
   * A page of {@link org.nephele.core.codec.Space#MEMORY}.
   *
   * @throws IOException also when no block has that page
   */
  public void page(long page, int flags, ByteBuffer content) throws IOException {
    RamBlock block = block(page);
    long offset = (page - block.firstPage()) * RamBlock.PAGE_SIZE;
    boolean continued = (flags & MemoryEncoder.CONTINUED) != 0;
    if ((flags & MemoryEncoder.ZERO_RECORD) != 0) {
      writer.zeroPage(block, offset, continued, (byte) 0);
    } else {
      writer.page(block, offset, continued, content);
    }
  }

  /** An opaque item of {@link org.nephele.core.codec.Space#MEMORY}. */
  public void opaque(ByteBuffer bytes) throws IOException {
    switch (bytes.get()) {
      case MemoryEncoder.BYTES -> writer.opaque(bytes);
      case MemoryEncoder.LAYOUT -> {
        layout = layout(bytes);
        last = null;
      }
      default -> throw new IOException("The page stream has a memory item of an unknown kind.");
    }
  }

  /** Passes on what is held. */
  public void flush() throws IOException {
    writer.flush();
  }

  private RamBlock block(long page) throws IOException {
    if (last != null && page >= last.firstPage() && page - last.firstPage() < last.pages()) {
      return last;
    }
    for (RamBlock block : layout.blocks()) {
      if (page >= block.firstPage() && page - block.firstPage() < block.pages()) {
        last = block;
        return block;
      }
    }
    throw new IOException("The page stream has memory page " + page + ", which no RAM block has.");
  }

  private static RamLayout layout(ByteBuffer bytes) throws IOException {
    try {
      int count = bytes.getShort();
      if (count < 0 || count > RamLayout.MAX_BLOCKS) {
        throw damaged();
      }
      List<RamBlock> blocks = new ArrayList<>();
      long first = 0;
      for (int i = 0; i < count; i++) {
        byte[] name = new byte[Byte.toUnsignedInt(bytes.get())];
        bytes.get(name);
        long length = bytes.getLong();
        if (length < 0 || length % RamBlock.PAGE_SIZE != 0 || length > RamLayout.MAX_BYTES) {
          throw damaged();
        }
        blocks.add(
            new RamBlock(
                i,
                new String(name, StandardCharsets.ISO_8859_1),
                length,
                OptionalLong.empty(),
                OptionalLong.empty(),
                first));
        first += length / RamBlock.PAGE_SIZE;
      }
      if (bytes.hasRemaining()) {
        throw damaged();
      }
      return new RamLayout(blocks);
    } catch (BufferUnderflowException e) {
      throw damaged();
    }
  }

  private static IOException damaged() {
    return new IOException("The page stream has a list of RAM blocks that makes no sense.");
  }
}
