package org.nephele.core.codec;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Walks through the items of one frame. What comes from outside is checked here as far as the
 * format alone allows it. A walk can be begun again.
 */
final class ItemReader {
  private final ByteBuffer[] columns;
  private final StreamParameters parameters;
  private final long[] nextPage = new long[Space.count()];
  private final long[] nextReference = new long[Op.PAGE_OPS];
  private int pagesLeft;
  private int opaqueLeft;
  private Space space;
  private int flags;
  private int op;
  private int runLeft;
  private long page;

  ItemReader(ByteBuffer[] columns, StreamParameters parameters) {
    this.columns = columns;
    this.parameters = parameters;
  }

  /**
   * Starts before the first item.
   *
   * @param pages how many pages the frame's header announces
   */
  void begin(int pages) {
    if (pages < 0 || pages > Frames.MAX_PAGES) {
      throw new MalformedFrame("it announces too many pages: " + pages);
    }
    for (ByteBuffer column : columns) {
      column.rewind();
    }
    Arrays.fill(nextPage, 0);
    Arrays.fill(nextReference, 0);
    pagesLeft = pages;
    opaqueLeft = Frames.MAX_OPAQUE_ITEMS;
    space = Space.of(0);
    flags = 0;
    runLeft = 0;
  }

  /** Goes to the next item, if there is one. */
  boolean next() {
    while (runLeft == 0) {
      if (!column(Column.TOKENS).hasRemaining()) {
        return false;
      }
      token(Varints.get(column(Column.TOKENS)));
    }
    runLeft--;
    if (op != Op.OPAQUE) {
      page = nextPage[space.ordinal()]++;
      if (page >= parameters.pages(space)) {
        throw beyond(page);
      }
    }
    return true;
  }

  private void token(long token) {
    int what = (int) (token & 15);
    long value = token >>> 4;
    switch (what) {
      case Op.SEEK -> seek(value);
      case Op.SPACE -> {
        if (value >= Space.count()) {
          throw new MalformedFrame("it names an unknown space: " + value);
        }
        space = Space.of((int) value);
      }
      case Op.FLAGS -> {
        if (value > PageEncoder.MAX_FLAGS) {
          throw new MalformedFrame("it has unknown flags: " + value);
        }
        flags = (int) value;
      }
      case Op.OPAQUE -> {
        if (value >= opaqueLeft) {
          throw new MalformedFrame("it has too many items that aren't pages");
        }
        run(what, value);
        opaqueLeft -= runLeft;
      }
      default -> {
        if (what >= Op.PAGE_OPS) {
          throw new MalformedFrame("it has an unknown operation: " + what);
        }
        if (value >= pagesLeft) {
          throw new MalformedFrame("it has more pages than it announces");
        }
        run(what, value);
        pagesLeft -= runLeft;
      }
    }
  }

  private void run(int what, long value) {
    op = what;
    runLeft = (int) value + 1;
  }

  private void seek(long value) {
    long to = nextPage[space.ordinal()] + Varints.getSigned(column(Column.ADDRESSES));
    if (value != 0 || to < 0 || to >= parameters.pages(space)) {
      throw beyond(to);
    }
    nextPage[space.ordinal()] = to;
  }

  private MalformedFrame beyond(long to) {
    return new MalformedFrame("page " + to + " of the " + space + " doesn't exist");
  }

  /** One of the constants of {@link Op}. */
  int op() {
    return op;
  }

  Space space() {
    return space;
  }

  int flags() {
    return flags;
  }

  long page() {
    return page;
  }

  /** The page of the reference or the slot. Once for each item that has one. */
  long reference() {
    long number = nextReference[op] + Varints.getSigned(column(Column.REFERENCES));
    if (number < 0) {
      throw new MalformedFrame("it refers to a page before the first one");
    }
    nextReference[op] = number + 1;
    return number;
  }

  /** The length of an opaque item. Once for each. */
  int opaqueLength() {
    long length = Varints.get(column(Column.OPAQUE_LENGTHS));
    if (length > Frames.MAX_OPAQUE) {
      throw new MalformedFrame("it has an item that is too long: " + length);
    }
    return (int) length;
  }

  /** After the last item: nothing may be left. */
  void end() {
    if (pagesLeft > 0) {
      throw new MalformedFrame("it announces " + pagesLeft + " pages more than it has");
    }
    for (Column column : Column.all()) {
      if (column(column).hasRemaining()) {
        throw new MalformedFrame(
            "%d bytes are left over in column %s".formatted(column(column).remaining(), column));
      }
    }
  }

  ByteBuffer column(Column column) {
    return columns[column.ordinal()];
  }
}
