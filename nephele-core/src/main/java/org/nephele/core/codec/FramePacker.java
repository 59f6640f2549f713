package org.nephele.core.codec;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdDictContentType;
import java.io.Closeable;
import java.nio.ByteBuffer;

/** Compresses the columns of a frame, and puts header and checksum around them. Not thread-safe. */
final class FramePacker implements Closeable {
  static final int STORED = 0;
  static final int ZSTD = 1;
  static final int ZSTD_WITH_DICTIONARY = 2;

  /** Shorter columns don't get shorter. */
  private static final int MIN_PACKED = 24;

  private final ZstdCompressCtx zstd = new ZstdCompressCtx();
  private final ByteBuffer frame = ByteBuffer.allocateDirect(capacity());
  private final int[] packedBytes = new int[Column.all().length];

  private static int capacity() {
    int literals = Column.LITERALS.limit();
    return PageDecoder.maxFrameBytes() + (int) Zstd.compressBound(literals) - literals;
  }

  /**
   * Makes a frame.
   *
   * @return valid until the next call
   */
  ByteBuffer pack(ItemWriter items, Dictionary dictionary, int level, long sequence, long digest) {
    frame.clear().position(Frames.HEADER);
    for (Column column : Column.all()) {
      int before = frame.position();
      pack(column, items.column(column), dictionary, level);
      packedBytes[column.ordinal()] = frame.position() - before;
    }
    return finish(Frames.KIND_DATA, level, items.pages(), sequence, digest);
  }

  /** Makes the frame that starts a stream. */
  ByteBuffer start(StreamParameters parameters, long held) {
    frame.clear().position(Frames.HEADER);
    parameters.put(frame, held);
    return finish(Frames.KIND_START, 0, 0, 0, 0);
  }

  /** Makes the frame that ends it. */
  ByteBuffer end(long sequence, long digest) {
    frame.clear().position(Frames.HEADER);
    return finish(Frames.KIND_END, 0, 0, sequence, digest);
  }

  /** How many bytes of the last frame that column took. */
  int packedBytes(Column column) {
    return packedBytes[column.ordinal()];
  }

  @Override
  public void close() {
    zstd.close();
  }

  private ByteBuffer finish(int kind, int level, int pages, long sequence, long digest) {
    int body = frame.position() - Frames.HEADER;
    Frames.putHeader(frame, kind, level, body, pages, sequence, digest);
    frame.putInt(Frames.checksum(frame, body));
    return frame.flip();
  }

  private void pack(Column column, ByteBuffer content, Dictionary dictionary, int level) {
    int length = content.position();
    Varints.put(frame, length);
    if (length == 0) {
      return;
    }
    if (length >= MIN_PACKED) {
      boolean withDictionary = column == Column.LITERALS && !dictionary.isEmpty();
      zstd.reset();
      // The frame around has it all: sizes, a checksum, and what this is.
      zstd.setLevel(level).setMagicless(true).setChecksum(false);
      zstd.setContentSize(false).setDictID(false);
      if (withDictionary) {
        zstd.loadDict(dictionary.bytes(), ZstdDictContentType.RAW_CONTENT);
      }
      // The length comes first and is known last, so there is a gap before it is moved down.
      int gap = frame.position() + 1 + 5;
      int room = frame.capacity() - gap - Frames.CHECKSUM;
      int packed = zstd.compressDirectByteBuffer(frame, gap, room, content, 0, length);
      if (packed < length) {
        frame.put((byte) (withDictionary ? ZSTD_WITH_DICTIONARY : ZSTD));
        Varints.put(frame, packed);
        frame.put(frame.slice(gap, packed));
        return;
      }
    }
    frame.put((byte) STORED);
    frame.put(content.slice(0, length));
  }
}
