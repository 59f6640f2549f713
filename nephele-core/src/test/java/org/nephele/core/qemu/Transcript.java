package org.nephele.core.qemu;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Writes down what a reader delivers, one line an event, and writes the stream again. */
final class Transcript implements QemuStreamHandler {
  final List<String> lines = new ArrayList<>();
  final ByteArrayOutputStream copy = new ByteArrayOutputStream();
  // Tests make thousands of readers: their buffers are made once.
  private static final ByteBuffer READ = ByteBuffer.allocate(QemuStreamParser.MIN_BUFFER);
  private static final ByteBuffer WRITE = ByteBuffer.allocate(1 << 17);
  private final QemuStreamWriter writer =
      new QemuStreamWriter(Channels.newChannel(copy), WRITE.clear());

  static Transcript of(byte[] stream) throws IOException {
    return of(stream, stream.length, StreamFeatures.NONE);
  }

  static Transcript of(byte[] stream, int chunk, StreamFeatures features) throws IOException {
    Transcript transcript = new Transcript();
    new QemuStreamReader(inChunks(stream, chunk), features, transcript, READ.clear()).readAll();
    return transcript;
  }

  /** Like a socket on which the bytes arrive {@code chunk} at a time. */
  static ReadableByteChannel inChunks(byte[] stream, int chunk) {
    ReadableByteChannel all = Channels.newChannel(new ByteArrayInputStream(stream));
    return new ReadableByteChannel() {
      @Override
      public int read(ByteBuffer into) throws IOException {
        int limit = into.limit();
        into.limit(Math.min(limit, into.position() + Math.max(1, chunk)));
        int count = all.read(into);
        into.limit(limit);
        return count;
      }

      @Override
      public boolean isOpen() {
        return true;
      }

      @Override
      public void close() {}
    };
  }

  @Override
  public void event(StreamEvent event) throws IOException {
    if (event instanceof StreamEvent.Command command) {
      lines.add("Command " + command.command() + " " + Arrays.toString(command.body()));
    } else if (event instanceof StreamEvent.ConfigurationSubsection subsection) {
      lines.add("Subsection " + subsection.name() + " of " + subsection.fields().length);
    } else if (event instanceof StreamEvent.RamBlocks blocks) {
      blocks.layout().blocks().forEach(b -> lines.add("Block " + b.name() + " " + b.length()));
    } else if (event instanceof StreamEvent.XbzrlePage page) {
      lines.add("Delta " + page.block().name() + " " + new String(page.delta()));
    } else {
      lines.add(event.toString());
    }
    writer.event(event);
  }

  @Override
  public void zeroPage(RamBlock block, long offset, boolean continued, byte fill)
      throws IOException {
    lines.add("Zero " + block.name() + " " + offset);
    writer.zeroPage(block, offset, continued, fill);
  }

  @Override
  public void page(RamBlock block, long offset, boolean continued, ByteBuffer page)
      throws IOException {
    byte[] bytes = new byte[page.remaining()];
    page.get(page.position(), bytes);
    lines.add("Page " + block.name() + " " + offset + " " + Arrays.hashCode(bytes));
    writer.page(block, offset, continued, page);
  }

  @Override
  public void opaque(ByteBuffer bytes) throws IOException {
    int count = bytes.remaining();
    // Opaque bytes come as they arrive, so their pieces are one line whatever the chunks are.
    String before = lines.isEmpty() ? "" : lines.get(lines.size() - 1);
    if (before.startsWith("Opaque ")) {
      lines.set(lines.size() - 1, "Opaque " + (Integer.parseInt(before.substring(7)) + count));
    } else {
      lines.add("Opaque " + count);
    }
    writer.opaque(bytes);
  }
}
