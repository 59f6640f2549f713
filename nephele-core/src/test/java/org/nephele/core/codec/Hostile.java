package org.nephele.core.codec;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.io.Closeable;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.nephele.core.reference.References;

/**
 * Gives a decoder frames that somebody made up, with sequence number and checksum put right, so
 * that they get as far as they can. A frame is decoded or refused, within bounds of time and
 * memory.
 */
final class Hostile implements Closeable {
  /** The heap that a frame may take: a message, and arrays for a dictionary that live on. */
  private static final long MAX_HEAP = 1 << 20;

  private static final long MAX_DICTIONARY = 9 << 20;

  /** A frame of the most pages is decoded in a tenth of that on an idle machine. */
  private static final long MAX_NANOS = 20_000_000_000L;

  private final Path file;
  private final SentPages pages;
  private final PageDecoder decoder;
  private final long[] delivered = new long[1];

  Hostile(StreamParameters parameters, References references) throws IOException {
    file = Files.createTempDirectory("hostile").resolve("sent");
    pages = SentPages.create(file, parameters);
    decoder =
        new PageDecoder(
            parameters,
            references,
            pages,
            new PageSink() {
              @Override
              public void page(Space space, long page, int flags, ByteBuffer content) {
                assertThat(content.remaining()).isEqualTo(SentPages.PAGE);
                delivered[0]++;
              }

              @Override
              public void opaque(Space channel, ByteBuffer bytes) {
                assertThat(bytes.remaining()).isLessThanOrEqualTo(Frames.MAX_OPAQUE);
              }

              @Override
              public void endOfFrame() {}
            });
  }

  /** Decodes good frames, to get the decoder into a state. */
  void good(List<byte[]> frames) throws IOException {
    for (byte[] frame : frames) {
      decoder.decode(ByteBuffer.wrap(frame));
    }
  }

  /**
   * Decodes a frame with this content.
   *
   * @return whether it was taken
   */
  boolean decode(int kind, int announcedPages, long digest, byte[] body) throws IOException {
    ByteBuffer frame = ByteBuffer.allocateDirect(Frames.HEADER + body.length + Frames.CHECKSUM);
    Frames.putHeader(frame, kind, 3, body.length, announcedPages, decoder.frames(), digest);
    frame.put(Frames.HEADER, body);
    frame.putInt(Frames.HEADER + body.length, Frames.checksum(frame, body.length));
    return decode(frame);
  }

  /** Decodes a frame as it is. */
  boolean decode(ByteBuffer frame) throws IOException {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long pagesBefore = delivered[0];
    long heap = threads.getCurrentThreadAllocatedBytes();
    long start = System.nanoTime();
    boolean taken = false;
    try {
      decoder.decode(frame);
      taken = true;
    } catch (PageStreamException refused) {
      assertThat(refused).hasMessageMatching("(?s)The page stream is broken at frame \\d+: .*\\.");
    }
    assertThat(System.nanoTime() - start).isLessThan(MAX_NANOS);
    assertThat(threads.getCurrentThreadAllocatedBytes() - heap)
        .isLessThan(MAX_HEAP + MAX_DICTIONARY + 2000 * (delivered[0] - pagesBefore));
    assertThat(delivered[0] - pagesBefore).isLessThanOrEqualTo(Frames.MAX_PAGES);
    return taken;
  }

  /** The body of a frame. */
  static byte[] body(byte[] frame) {
    return Arrays.copyOfRange(frame, Frames.HEADER, frame.length - Frames.CHECKSUM);
  }

  @Override
  public void close() throws IOException {
    decoder.close();
    pages.close();
    Files.delete(file);
    Files.delete(file.getParent());
  }
}
