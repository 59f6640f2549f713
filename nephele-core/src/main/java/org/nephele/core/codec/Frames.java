package org.nephele.core.codec;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/** What is the same in every frame: header, checksum, limits. */
final class Frames {
  /** "NPGS". */
  static final int MAGIC = 0x4E504753;

  static final int VERSION = 1;

  static final int KIND_START = 1;
  static final int KIND_DATA = 2;
  static final int KIND_END = 3;

  static final int HEADER = 32;
  static final int CHECKSUM = 4;

  private static final int AT_VERSION = 4;
  private static final int AT_KIND = 5;
  private static final int AT_LEVEL = 6;
  private static final int AT_ZERO = 7;
  private static final int AT_BODY = 8;
  private static final int AT_PAGES = 12;
  private static final int AT_SEQUENCE = 16;
  private static final int AT_DIGEST = 24;

  /** The most pages in a frame, so that no frame keeps the decoder busy for long. */
  static final int MAX_PAGES = 1 << 16;

  /** The most opaque items in a frame. */
  static final int MAX_OPAQUE_ITEMS = 1 << 14;

  /** The longest opaque item. Longer ones are cut into several. */
  static final int MAX_OPAQUE = 1 << 18;

  /** The longest body: all columns full and stored, with their heads. */
  static final int MAX_BODY = maxBody();

  private Frames() {}

  private static int maxBody() {
    int bytes = 0;
    for (Column column : Column.all()) {
      bytes += 5 + 1 + 5 + column.limit();
    }
    return bytes;
  }

  /** Writes the header at 0; the body goes behind it. The buffer is big-endian. */
  static void putHeader(
      ByteBuffer frame, int kind, int level, int body, int pages, long sequence, long digest) {
    frame.putInt(0, MAGIC);
    frame.put(AT_VERSION, (byte) VERSION).put(AT_KIND, (byte) kind);
    frame.put(AT_LEVEL, (byte) level).put(AT_ZERO, (byte) 0);
    frame.putInt(AT_BODY, body).putInt(AT_PAGES, pages);
    frame.putLong(AT_SEQUENCE, sequence).putLong(AT_DIGEST, digest);
  }

  static int kind(ByteBuffer frame) {
    return frame.get(AT_KIND);
  }

  static int pages(ByteBuffer frame) {
    return frame.getInt(AT_PAGES);
  }

  static long sequence(ByteBuffer frame) {
    return frame.getLong(AT_SEQUENCE);
  }

  static long digest(ByteBuffer frame) {
    return frame.getLong(AT_DIGEST);
  }

  /** CRC-32C of header and body: 10 GB/s and more, in a direct buffer. */
  static int checksum(ByteBuffer frame, int body) {
    CRC32C crc = new CRC32C();
    crc.update(frame.duplicate().position(0).limit(HEADER + body));
    return (int) crc.getValue();
  }

  /**
   * Checks everything about a frame that can be checked from outside.
   *
   * @param frame begins at index 0, big-endian
   * @return the body's length
   */
  static int check(ByteBuffer frame, int length, long expected) throws PageStreamException {
    if (length < HEADER + CHECKSUM) {
      throw new PageStreamException(expected, "only " + length + " bytes of it have come");
    }
    if (frame.getInt(0) != MAGIC) {
      throw new PageStreamException(expected, "what came is no frame");
    }
    if (frame.get(AT_VERSION) != VERSION) {
      throw new PageStreamException(
          expected,
          "the other end writes version %d of the format, this end reads version %d"
              .formatted(frame.get(AT_VERSION), VERSION));
    }
    int body = frame.getInt(AT_BODY);
    if (body < 0 || body > MAX_BODY || length != HEADER + body + CHECKSUM) {
      throw new PageStreamException(
          expected,
          "it has %d bytes where its header says %d"
              .formatted(length, HEADER + (long) body + CHECKSUM));
    }
    if (frame.getInt(HEADER + body) != checksum(frame, body)) {
      throw new PageStreamException(expected, "its checksum is wrong");
    }
    if (sequence(frame) != expected) {
      throw new PageStreamException(expected, "frame " + sequence(frame) + " came instead");
    }
    if (frame.get(AT_ZERO) != 0) {
      throw new PageStreamException(expected, "its header uses something this end doesn't know");
    }
    return body;
  }
}
