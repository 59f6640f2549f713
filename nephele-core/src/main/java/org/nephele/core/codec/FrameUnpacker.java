package org.nephele.core.codec;

import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdDictContentType;
import com.github.luben.zstd.ZstdException;
import java.io.Closeable;
import java.nio.ByteBuffer;

/**
 * Gets the columns back out of a frame. Every column is unpacked in one go, into a buffer that was
 * there before, so no frame makes this take more memory. Not thread-safe.
 */
final class FrameUnpacker implements Closeable {
  private final ZstdDecompressCtx zstd = new ZstdDecompressCtx();
  private final ByteBuffer[] columns = new ByteBuffer[Column.all().length];

  private int literalsMethod;
  private int literalsAt;
  private int literalsPacked;

  FrameUnpacker() {
    for (Column column : Column.all()) {
      columns[column.ordinal()] = ByteBuffer.allocateDirect(column.limit());
    }
  }

  /** The columns: between 0 and limit is their content. */
  ByteBuffer[] columns() {
    return columns;
  }

  /**
   * Unpacks all columns but the literals, and checks that the body is exactly filled.
   *
   * @param frame direct
   */
  void unpack(ByteBuffer frame, int at, int length) {
    ByteBuffer body = frame.duplicate().limit(at + length).position(at);
    for (Column column : Column.all()) {
      long raw = Varints.get(body);
      if (raw > column.limit()) {
        throw new MalformedFrame("column " + column + " is too long: " + raw);
      }
      columns[column.ordinal()].clear().limit((int) raw);
      int method = raw == 0 ? FramePacker.STORED : body.get();
      long packed = method == FramePacker.STORED ? raw : Varints.get(body);
      if (packed > body.remaining()) {
        throw new MalformedFrame("column " + column + " is cut short");
      }
      int from = body.position();
      body.position(from + (int) packed);
      if (column == Column.LITERALS) {
        literalsMethod = method;
        literalsAt = from;
        literalsPacked = (int) packed;
      } else {
        unpack(column, method, frame, from, (int) packed);
      }
    }
    if (body.hasRemaining()) {
      throw new MalformedFrame(body.remaining() + " bytes are left over");
    }
  }

  /** Unpacks the literals of the frame that was last given to {@link #unpack}. */
  void unpackLiterals(ByteBuffer frame, Dictionary dictionary) {
    if (literalsMethod == FramePacker.ZSTD_WITH_DICTIONARY) {
      if (dictionary.isEmpty()) {
        throw new MalformedFrame("its literals need a dictionary, and there is none");
      }
      zstd.reset();
      zstd.loadDict(dictionary.bytes(), ZstdDictContentType.RAW_CONTENT);
      decompress(Column.LITERALS, frame, literalsAt, literalsPacked);
    } else {
      unpack(Column.LITERALS, literalsMethod, frame, literalsAt, literalsPacked);
    }
  }

  private void unpack(Column column, int method, ByteBuffer frame, int from, int packed) {
    switch (method) {
      case FramePacker.STORED -> columns[column.ordinal()].put(0, frame, from, packed);
      case FramePacker.ZSTD -> {
        zstd.reset();
        decompress(column, frame, from, packed);
      }
      default ->
          throw new MalformedFrame("column " + column + " is packed in an unknown way: " + method);
    }
  }

  private void decompress(Column column, ByteBuffer frame, int from, int packed) {
    ByteBuffer target = columns[column.ordinal()];
    int length = target.limit();
    int unpacked;
    try {
      zstd.setMagicless(true);
      unpacked = zstd.decompressDirectByteBuffer(target, 0, length, frame, from, packed);
    } catch (ZstdException e) {
      throw new MalformedFrame("column " + column + " can't be unpacked (" + e.getMessage() + ")");
    }
    if (unpacked != length) {
      throw new MalformedFrame(
          "column %s has %d bytes instead of %d".formatted(column, unpacked, length));
    }
  }

  @Override
  public void close() {
    zstd.close();
  }
}
