package org.nephele.core.qemu;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import org.nephele.core.qemu.StreamEvent.EndOfRecords;
import org.nephele.core.qemu.StreamEvent.RamBlocks;
import org.nephele.core.qemu.StreamEvent.XbzrlePage;

/**
 * The records of section {@code ram}: the block list and the pages. This is the hot path: a page
 * costs no allocation and no copy.
 */
final class RamRecords {
  static final int ZERO = 0x02;
  static final int MEM_SIZE = 0x04;
  static final int PAGE = 0x08;
  static final int EOS = 0x10;
  static final int CONTINUE = 0x20;
  static final int XBZRLE = 0x40;
  private static final int FLAGS = RamBlock.PAGE_SIZE - 1;

  enum Outcome {
    /** The rest of a record has not arrived yet. */
    NEEDS_MORE,
    /** The section's records are over. */
    END_OF_RECORDS,
    /** As before, and it was the last section. */
    MEMORY_COMPLETE,
    /** A record that we don't know, see {@link #unknown()}; the position is before it. */
    UNKNOWN
  }

  private final StreamFeatures features;
  private final QemuStreamHandler handler;

  private int section;
  private long advisedPageSizes;
  private RamLayout layout;
  private RamBlock last;
  private String unknown;
  // The block that the record at hand names, and the view that its page is delivered in.
  private RamBlock named;
  private ByteBuffer viewed;
  private ByteBuffer view;

  RamRecords(StreamFeatures features, QemuStreamHandler handler) {
    this.features = features;
    this.handler = handler;
  }

  /** A START, PART or END section begins. */
  void enter(int type) {
    section = type;
  }

  /** POSTCOPY_ADVISE: all page sizes of all blocks, as a bit set. */
  void advisedPageSizes(long sizes) {
    advisedPageSizes = sizes;
  }

  /** What was {@link Outcome#UNKNOWN}, as a part of a sentence. */
  String unknown() {
    return unknown;
  }

  /**
   * Delivers all whole records.
   *
   * @param base the offset in the stream of the buffer's byte 0
   */
  Outcome parse(ByteBuffer in, long base) throws IOException {
    if (viewed != in) {
      viewed = in;
      view = in.duplicate();
    }
    while (in.remaining() >= 8) {
      int at = in.position();
      long word = in.getLong(at);
      int flags = (int) word & FLAGS;
      long address = word & ~(long) FLAGS;
      boolean continued = (flags & CONTINUE) != 0;
      boolean complete;
      switch (flags & ~CONTINUE) {
        case PAGE -> complete = page(in, base, address, continued);
        case ZERO -> complete = zero(in, base, address, continued);
        case XBZRLE -> complete = xbzrle(in, base, address, continued);
        case MEM_SIZE -> {
          if (continued || section != QemuStreamParser.START || layout != null) {
            return unknown("a block list out of place", base + at);
          }
          if (features.postcopyRam() && advisedPageSizes != RamBlock.PAGE_SIZE) {
            return unknown(
                "postcopy-ram with memory that is not in pages of 4096 bytes", base + at);
          }
          complete = blocks(in, base, address);
        }
        case EOS -> {
          if (continued || address != 0) {
            return unknown("a RAM record of unknown form", base + at);
          }
          if (layout == null) {
            throw new QemuStreamException(base + at, "section ram has no block list");
          }
          in.position(at + 8);
          handler.event(new EndOfRecords());
          return section == QemuStreamParser.END ? Outcome.MEMORY_COMPLETE : Outcome.END_OF_RECORDS;
        }
        default -> {
          return unknown("a RAM record with flags 0x%x".formatted(flags), base + at);
        }
      }
      if (!complete) {
        return Outcome.NEEDS_MORE;
      }
    }
    return Outcome.NEEDS_MORE;
  }

  private Outcome unknown(String what, long offset) {
    unknown = what;
    return Outcome.UNKNOWN;
  }

  private boolean page(ByteBuffer in, long base, long address, boolean continued)
      throws IOException {
    int data = name(in, base, address, continued);
    if (data < 0 || in.limit() - data < RamBlock.PAGE_SIZE) {
      return false;
    }
    last = named;
    view.limit(data + RamBlock.PAGE_SIZE).position(data);
    in.position(data + RamBlock.PAGE_SIZE);
    handler.page(named, address, continued, view);
    return true;
  }

  private boolean zero(ByteBuffer in, long base, long address, boolean continued)
      throws IOException {
    int data = name(in, base, address, continued);
    if (data < 0 || in.limit() - data < 1) {
      return false;
    }
    last = named;
    in.position(data + 1);
    handler.zeroPage(named, address, continued, in.get(data));
    return true;
  }

  private boolean xbzrle(ByteBuffer in, long base, long address, boolean continued)
      throws IOException {
    int data = name(in, base, address, continued);
    if (data < 0 || in.limit() - data < 3) {
      return false;
    }
    int encoding = in.get(data) & 0xff;
    int length = in.getShort(data + 1) & 0xffff;
    if (encoding != 1 || length > RamBlock.PAGE_SIZE) {
      throw new QemuStreamException(
          base + in.position(),
          "a page delta has encoding %d and %d bytes".formatted(encoding, length));
    }
    if (in.limit() - data < 3 + length) {
      return false;
    }
    last = named;
    byte[] delta = QemuStreamParser.bytes(in, data + 3, length);
    in.position(data + 3 + length);
    handler.event(new XbzrlePage(named, address, continued, encoding, delta));
    return true;
  }

  /** Finds the record's block. Returns where its data begins, or -1 when more bytes are needed. */
  private int name(ByteBuffer in, long base, long address, boolean continued)
      throws QemuStreamException {
    int at = in.position();
    int data;
    if (continued) {
      if (last == null) {
        throw new QemuStreamException(
            base + at, "its first page does not say which block it is in");
      }
      named = last;
      data = at + 8;
    } else {
      if (in.remaining() < 9) {
        return -1;
      }
      int length = in.get(at + 8) & 0xff;
      data = at + 9 + length;
      if (in.limit() < data) {
        return -1;
      }
      named = find(in, at + 9, length);
      if (named == null) {
        throw new QemuStreamException(
            base + at,
            "it has a page of block '%s', which is not in its block list"
                .formatted(QemuStreamParser.text(in, at + 9, length)));
      }
    }
    // Unsigned: an address with the top bit set is beyond any block.
    if (Long.compareUnsigned(address, named.length()) >= 0) {
      throw new QemuStreamException(
          base + at, "page 0x%x is beyond the end of block '%s'".formatted(address, named.name()));
    }
    return data;
  }

  private RamBlock find(ByteBuffer in, int at, int length) {
    if (layout == null) {
      return null;
    }
    for (RamBlock block : layout.blocks()) {
      if (block.isNamed(in, at, length)) {
        return block;
      }
    }
    return null;
  }

  private boolean blocks(ByteBuffer in, long base, long total) throws IOException {
    if (total < 0 || total > RamLayout.MAX_BYTES) {
      throw new QemuStreamException(
          base + in.position(), "it announces 0x%x bytes of memory".formatted(total));
    }
    List<RamBlock> blocks = new ArrayList<>();
    Set<String> names = new HashSet<>();
    int next = in.position() + 8;
    long sum = 0;
    while (sum < total) {
      if (blocks.size() == RamLayout.MAX_BLOCKS) {
        throw new QemuStreamException(
            base + next, "it announces more than %d blocks".formatted(RamLayout.MAX_BLOCKS));
      }
      if (in.limit() - next < 1) {
        return false;
      }
      int nameLength = in.get(next) & 0xff;
      int fixed = 1 + nameLength + 8 + (features.ignoreShared() ? 8 : 0);
      if (in.limit() - next < fixed) {
        return false;
      }
      String name = QemuStreamParser.text(in, next + 1, nameLength);
      long length = in.getLong(next + 1 + nameLength);
      if (length < 0 || length > total - sum || length % RamBlock.PAGE_SIZE != 0) {
        throw new QemuStreamException(
            base + next, "block '%s' has the impossible length 0x%x".formatted(name, length));
      }
      if (!names.add(name)) {
        throw new QemuStreamException(base + next, "block '%s' is there twice".formatted(name));
      }
      OptionalLong address =
          features.ignoreShared()
              ? OptionalLong.of(in.getLong(next + 1 + nameLength + 8))
              : OptionalLong.empty();
      blocks.add(
          new RamBlock(
              blocks.size(),
              name,
              length,
              OptionalLong.empty(),
              address,
              sum / RamBlock.PAGE_SIZE));
      sum += length;
      next += fixed;
    }
    layout = new RamLayout(blocks);
    in.position(next);
    handler.event(new RamBlocks(layout));
    return true;
  }
}
