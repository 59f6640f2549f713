package org.nephele.core.qemu;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.util.function.UnaryOperator;
import org.nephele.core.qemu.StreamEvent.EndOfStream;
import org.nephele.core.qemu.StreamEvent.OpaqueFromHere;
import org.nephele.core.qemu.StreamEvent.SectionPart;
import org.nephele.core.qemu.StreamEvent.XbzrlePage;

/**
 * Copies a migration stream through the parser and the writer, byte for byte, and forwards at once.
 * One thread calls {@link #run()}; any thread may ask for {@link #counts()}.
 */
public final class QemuStreamRelay {
  private final QemuStreamReader reader;
  private final QemuStreamWriter writer;
  private final QemuStreamHandler next;
  private volatile RelayCounts counts = new RelayCounts(0, 0, 0, 0, 0, 0, false, "");

  /**
   * @param in from the QEMU that sends; blocking, not closed
   * @param out to the QEMU that receives; blocking, not closed
   * @param features of the QEMU that sends
   */
  public QemuStreamRelay(ReadableByteChannel in, WritableByteChannel out, StreamFeatures features) {
    this(in, out, features, UnaryOperator.identity());
  }

  /**
   * @param between makes of the writer a handler that may add to the stream, such as {@link
   *     MissedPages}
   */
  public QemuStreamRelay(
      ReadableByteChannel in,
      WritableByteChannel out,
      StreamFeatures features,
      UnaryOperator<QemuStreamHandler> between) {
    this.writer = new QemuStreamWriter(out);
    this.next = between.apply(writer);
    this.reader = new QemuStreamReader(in, features, new Counting());
  }

  /** What was passed on, at most one read behind. */
  public RelayCounts counts() {
    return counts;
  }

  /**
   * Copies until the sender closes the stream. Closing the channel in another thread ends it early.
   *
   * @throws QemuStreamException if the stream is damaged: everything before that was passed on
   * @throws IOException if either side fails
   */
  public RelayCounts run() throws IOException {
    try {
      reader.readAll();
    } catch (QemuStreamException damaged) {
      writer.flush();
      throw damaged;
    }
    return counts;
  }

  /** Between the reader and the writer; touched by the reading thread only. */
  private final class Counting implements QemuStreamHandler {
    private long pages;
    private long zeroPages;
    private long deltas;
    private int iterations;
    private long opaqueBytes;
    private boolean memoryComplete;
    private String opaqueReason = "";

    @Override
    public void event(StreamEvent event) throws IOException {
      if (event instanceof SectionPart) {
        iterations++;
      } else if (event instanceof XbzrlePage) {
        deltas++;
      } else if (event instanceof OpaqueFromHere opaque) {
        memoryComplete = opaque.ramComplete();
        opaqueReason = opaque.ramComplete() ? "" : opaque.reason();
      }
      next.event(event);
      if (event instanceof EndOfStream) {
        publish();
      }
    }

    @Override
    public void zeroPage(RamBlock block, long offset, boolean continued, byte fill)
        throws IOException {
      zeroPages++;
      next.zeroPage(block, offset, continued, fill);
    }

    @Override
    public void page(RamBlock block, long offset, boolean continued, ByteBuffer page)
        throws IOException {
      pages++;
      next.page(block, offset, continued, page);
    }

    @Override
    public void opaque(ByteBuffer bytes) throws IOException {
      opaqueBytes += bytes.remaining();
      next.opaque(bytes);
    }

    @Override
    public void inputDry() throws IOException {
      next.inputDry();
      publish();
    }

    private void publish() {
      counts =
          new RelayCounts(
              writer.offset(),
              pages,
              zeroPages,
              deltas,
              iterations,
              opaqueBytes,
              memoryComplete,
              opaqueReason);
    }
  }
}
