package org.nephele.core.codec;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.nephele.core.reference.Location;

/**
 * What the receiver holds by now: for every address the location of its last content, and the
 * content itself where it isn't in a reference. Encoder and decoder keep one each, and change it by
 * the same rules, so both are always equal at the same place in the stream. Page content is in a
 * file; a slot that no address points to is used again, so the file grows with the addresses that
 * changed, not with how often they do.
 *
 * <p>Written with ordinary writes, so that a full disk is an IOException and not a fault in a
 * mapping; read through mappings. Not thread-safe.
 */
public final class SentPages implements Closeable {
  static final int PAGE = 4096;

  // Mappings of 64 MiB: 256 of them for 16 GiB.
  private static final int SEGMENT_PAGES = 1 << 14;

  /** New slots are written this many at once: one write for each takes a fifth of all time. */
  private static final int BATCH_PAGES = 64;

  private final FileChannel file;
  private final MappedByteBuffer[] segments;
  private final int limit;

  /** Page number to location, one table a {@link Space}. */
  private final IntTable[] locations;

  /** Slot to the number of addresses that point to it; of a free slot, the next free one plus 1. */
  private final IntTable uses;

  /** Which slots are free, to tell the two meanings apart: one bit a slot. */
  private final IntTable free;

  /** The content of the last new slots, which is not in the file yet. */
  private final ByteBuffer batch = ByteBuffer.allocateDirect(BATCH_PAGES * PAGE);

  private int batchStart;

  private int slots;
  private int firstFree = -1;
  private int freeSlots;

  /**
   * Makes an empty store.
   *
   * @param path a file that doesn't exist yet. Whoever calls deletes it, at any time: without harm
   *     once this is closed
   * @param parameters what both ends agreed on
   */
  public static SentPages create(Path path, StreamParameters parameters) throws IOException {
    return new SentPages(
        FileChannel.open(
            path, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE),
        parameters);
  }

  SentPages(FileChannel file, StreamParameters parameters) {
    this.file = file;
    this.limit = parameters.sentPagesLimit();
    this.segments = new MappedByteBuffer[(limit + SEGMENT_PAGES - 1) / SEGMENT_PAGES];
    this.locations = new IntTable[Space.count()];
    for (int i = 0; i < locations.length; i++) {
      locations[i] = new IntTable(parameters.pages(Space.of(i)));
    }
    this.uses = new IntTable(limit);
    this.free = new IntTable((limit + 31L) / 32);
  }

  /** Bytes of disk that it takes now. */
  public long bytes() {
    return (long) slots * PAGE;
  }

  /** Pages that it holds, each with content of its own. */
  public int pages() {
    return slots - freeSlots;
  }

  @Override
  public void close() throws IOException {
    file.close();
  }

  /** Where the last content of this address is. */
  int location(Space space, long page) {
    return locations[space.ordinal()].get(page);
  }

  /** Whether the slot holds the content of any address. */
  boolean isLive(int slot) {
    return slot < slots && (free.get(slot >>> 5) >>> slot & 1) == 0;
  }

  /**
   * The address has this content now. What it pointed to before is given up.
   *
   * @param location a live slot, a page of a reference, or one of the constants of {@link Location}
   */
  void point(Space space, long page, int location) {
    IntTable table = locations[space.ordinal()];
    int old = table.get(page);
    if (old == location) {
      return;
    }
    if (Location.kind(location) == Location.SENT) {
      int slot = Location.page(location);
      uses.put(slot, uses.get(slot) + 1);
    }
    release(old);
    table.put(page, location);
  }

  /**
   * The address has new content, which is kept if there is room: in the slot it had, if nobody else
   * points to that; in one that is free; in a new one.
   *
   * @return the slot, or −1 when the store is full
   */
  int store(Space space, long page, byte[] content) throws IOException {
    IntTable table = locations[space.ordinal()];
    release(table.get(page));
    int slot = take();
    if (slot < 0) {
      table.put(page, Location.UNKNOWN);
      return -1;
    }
    table.put(page, Location.of(Location.SENT, slot));
    write(slot, content);
    return slot;
  }

  private void write(int slot, byte[] content) throws IOException {
    int inBatch = slot - batchStart;
    if (inBatch < 0) {
      writeFully(ByteBuffer.wrap(content, 0, PAGE), (long) slot * PAGE);
    } else if (inBatch * PAGE < batch.position()) {
      batch.put(inBatch * PAGE, content, 0, PAGE);
    } else {
      // A slot after the last one: they are taken in order.
      batch.put(content, 0, PAGE);
      if (!batch.hasRemaining()) {
        flush();
      }
    }
  }

  /** Writes to the file what is in memory only. */
  void flush() throws IOException {
    int pages = batch.position() / PAGE;
    writeFully(batch.flip(), (long) batchStart * PAGE);
    batchStart += pages;
    batch.clear();
  }

  private void writeFully(ByteBuffer bytes, long position) throws IOException {
    while (bytes.hasRemaining()) {
      position += file.write(bytes, position);
    }
  }

  /** Copies the content of a live slot. */
  void read(int slot, byte[] target) throws IOException {
    if (slot >= batchStart) {
      batch.get((slot - batchStart) * PAGE, target, 0, PAGE);
      return;
    }
    int number = slot / SEGMENT_PAGES;
    if (segments[number] == null) {
      segments[number] = map(number);
    }
    segments[number].get(slot % SEGMENT_PAGES * PAGE, target, 0, PAGE);
  }

  private MappedByteBuffer map(int number) throws IOException {
    long start = (long) number * SEGMENT_PAGES * PAGE;
    long length = Math.min(SEGMENT_PAGES, limit - number * SEGMENT_PAGES) * (long) PAGE;
    if (file.size() < start + length) {
      // Sparse: what nobody wrote takes no room, and nobody reads it.
      file.write(ByteBuffer.wrap(new byte[1]), start + length - 1);
    }
    return file.map(FileChannel.MapMode.READ_ONLY, start, length);
  }

  private void release(int location) {
    if (Location.kind(location) != Location.SENT) {
      return;
    }
    int slot = Location.page(location);
    int left = uses.get(slot) - 1;
    if (left > 0) {
      uses.put(slot, left);
    } else {
      free.put(slot >>> 5, free.get(slot >>> 5) | 1 << slot);
      uses.put(slot, firstFree + 1);
      firstFree = slot;
      freeSlots++;
    }
  }

  private int take() {
    int slot;
    if (firstFree >= 0) {
      slot = firstFree;
      firstFree = uses.get(slot) - 1;
      free.put(slot >>> 5, free.get(slot >>> 5) & ~(1 << slot));
      freeSlots--;
    } else if (slots < limit) {
      slot = slots++;
    } else {
      return -1;
    }
    uses.put(slot, 1);
    return slot;
  }

  // What follows is for SentPagesState, which writes all this to a file and reads it again.

  FileChannel file() {
    return file;
  }

  IntTable locations(Space space) {
    return locations[space.ordinal()];
  }

  IntTable uses() {
    return uses;
  }

  IntTable free() {
    return free;
  }

  int slots() {
    return slots;
  }

  int firstFree() {
    return firstFree;
  }

  int freeSlots() {
    return freeSlots;
  }

  void restore(int slots, int firstFree, int freeSlots) {
    this.slots = slots;
    this.batchStart = slots;
    this.firstFree = firstFree;
    this.freeSlots = freeSlots;
  }
}
