package org.nephele.core.codec;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Collects the items of one frame in their columns. Runs of the same operation at consecutive
 * addresses become one token. Everything that a token depends on starts anew with each frame.
 */
final class ItemWriter {
  private final ByteBuffer[] columns = new ByteBuffer[Column.all().length];
  private final long[] nextPage = new long[Space.count()];
  private final long[] nextReference = new long[Op.PAGE_OPS];
  private Space space;
  private int flags;
  private int runOp;
  private int runLength;
  private int pages;
  private int opaqueItems;

  ItemWriter() {
    for (Column column : Column.all()) {
      columns[column.ordinal()] = ByteBuffer.allocateDirect(column.limit());
    }
    clear();
  }

  void clear() {
    for (ByteBuffer column : columns) {
      column.clear();
    }
    Arrays.fill(nextPage, 0);
    Arrays.fill(nextReference, 0);
    space = Space.of(0);
    flags = 0;
    runOp = Op.SAME;
    runLength = 0;
    pages = 0;
    opaqueItems = 0;
  }

  ByteBuffer column(Column column) {
    return columns[column.ordinal()];
  }

  int pages() {
    return pages;
  }

  boolean isEmpty() {
    return pages == 0 && opaqueItems == 0;
  }

  /** Whether any page and any opaque item of up to that many bytes still fits. */
  boolean hasRoom(int opaque) {
    return pages < Frames.MAX_PAGES
        && opaqueItems < Frames.MAX_OPAQUE_ITEMS
        && column(Column.TOKENS).remaining() >= 32
        && column(Column.ADDRESSES).remaining() >= 8
        && column(Column.REFERENCES).remaining() >= 8
        && column(Column.RUNS).remaining() >= 8
        && column(Column.GAPS).remaining() >= Delta.MAX_RUN_BYTES
        && column(Column.LENGTHS).remaining() >= Delta.MAX_RUN_BYTES
        && column(Column.VALUES).remaining() >= SentPages.PAGE
        && column(Column.OPAQUE_LENGTHS).remaining() >= 8
        && column(Column.OPAQUE).remaining() >= opaque
        && column(Column.LITERALS).remaining() >= SentPages.PAGE;
  }

  /** The next page; what the operation needs besides goes into its columns. */
  void page(Space in, long page, int pageFlags, int op) {
    context(in, pageFlags);
    if (page != nextPage[in.ordinal()]) {
      endRun();
      Varints.put(column(Column.TOKENS), Op.SEEK);
      Varints.putSigned(column(Column.ADDRESSES), page - nextPage[in.ordinal()]);
    }
    nextPage[in.ordinal()] = page + 1;
    run(op);
    pages++;
  }

  /**
   * For {@link Op#DISK}, {@link Op#MEMORY} and {@link Op#SENT}: the page of the reference, or the
   * slot.
   */
  void reference(int op, int number) {
    Varints.putSigned(column(Column.REFERENCES), number - nextReference[op]);
    nextReference[op] = number + 1L;
  }

  /**
   * @param bytes at most {@link Frames#MAX_OPAQUE}, consumed
   */
  void opaque(Space channel, ByteBuffer bytes) {
    context(channel, flags);
    Varints.put(column(Column.OPAQUE_LENGTHS), bytes.remaining());
    column(Column.OPAQUE).put(bytes);
    run(Op.OPAQUE);
    opaqueItems++;
  }

  /** To be called once after the last item. */
  void endRun() {
    if (runLength > 0) {
      Varints.put(column(Column.TOKENS), runLength - 1L << 4 | runOp);
      runLength = 0;
    }
  }

  private void context(Space to, int newFlags) {
    if (to != space) {
      endRun();
      Varints.put(column(Column.TOKENS), (long) to.ordinal() << 4 | Op.SPACE);
      space = to;
    }
    if (newFlags != flags) {
      endRun();
      Varints.put(column(Column.TOKENS), (long) newFlags << 4 | Op.FLAGS);
      flags = newFlags;
    }
  }

  private void run(int op) {
    if (op != runOp) {
      endRun();
      runOp = op;
    }
    runLength++;
  }
}
