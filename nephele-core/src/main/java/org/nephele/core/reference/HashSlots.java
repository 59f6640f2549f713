package org.nephele.core.reference;

import java.nio.LongBuffer;
import java.util.function.IntPredicate;

/**
 * An open-addressing table from 64-bit hashes to locations, over memory that somebody else owns.
 * Lookups allocate nothing, and look at {@value #MAX_PROBES} slots at most, whatever the hashes
 * are. One thread may write; others may read what was published to them.
 */
public final class HashSlots {
  /** How far from its first slot an entry can be. At a load of 75 % few are further than 30. */
  static final int MAX_PROBES = 64;

  // A LongBuffer over a 1 GiB mapping.
  static final int SEGMENT_BITS = 27;

  private static final int MIN_BITS = 10;

  private final LongBuffer[] segments;
  private final int bits;
  private final long mask;

  /**
   * @param segments of 2^27 slots each, or one smaller one
   * @param bits log2 of the number of slots in all
   */
  HashSlots(LongBuffer[] segments, int bits) {
    this.segments = segments;
    this.bits = bits;
    this.mask = (1L << bits) - 1;
  }

  /**
   * A table in ordinary memory.
   *
   * @param memory zeroed; a power of two of at least 1024 longs, at most 2^27
   */
  public static HashSlots over(LongBuffer memory) {
    int bits = Integer.numberOfTrailingZeros(memory.capacity());
    if (memory.capacity() != 1 << bits || bits < MIN_BITS || bits > SEGMENT_BITS) {
      throw new IllegalArgumentException("not a power of two: " + memory.capacity());
    }
    return new HashSlots(new LongBuffer[] {memory}, bits);
  }

  /** log2 of a good number of slots for that many entries: loaded to 75 % at most. */
  static int bitsFor(long entries) {
    long slots = Math.max(1L << MIN_BITS, entries + entries / 3 + 1);
    return 64 - Long.numberOfLeadingZeros(slots - 1);
  }

  /**
   * Finds an entry.
   *
   * @param accepted gets the locations whose hash agrees as far as it was kept, until it says yes
   * @return the location accepted, or 0
   */
  public int find(long hash, IntPredicate accepted) {
    int tag = (int) hash;
    long slot = hash >>> 64 - bits;
    for (int i = 0; i < MAX_PROBES; i++, slot = slot + 1 & mask) {
      long entry = get(slot);
      if (entry == 0) {
        return 0;
      }
      if ((int) (entry >>> 32) == tag && accepted.test((int) entry)) {
        return (int) entry;
      }
    }
    return 0;
  }

  /**
   * Adds an entry unless there is one with the same hash, or no room near its place.
   *
   * @param location not 0
   * @return whether it was added
   */
  public boolean add(long hash, int location) {
    int tag = (int) hash;
    long slot = hash >>> 64 - bits;
    for (int i = 0; i < MAX_PROBES; i++, slot = slot + 1 & mask) {
      long entry = get(slot);
      if (entry == 0) {
        put(slot, entry(tag, location));
        return true;
      }
      if ((int) (entry >>> 32) == tag) {
        return false;
      }
    }
    return false;
  }

  /**
   * Adds an entry in any case: in place of one with the same hash, or, when there is no room near
   * its place, of the one that is in its place.
   */
  public void replace(long hash, int location) {
    int tag = (int) hash;
    long first = hash >>> 64 - bits;
    long slot = first;
    for (int i = 0; i < MAX_PROBES; i++, slot = slot + 1 & mask) {
      long entry = get(slot);
      if (entry == 0 || (int) (entry >>> 32) == tag) {
        put(slot, entry(tag, location));
        return;
      }
    }
    put(first, entry(tag, location));
  }

  private static long entry(int tag, int location) {
    return (long) tag << 32 | location & 0xffff_ffffL;
  }

  private long get(long slot) {
    return segments[(int) (slot >>> SEGMENT_BITS)].get((int) (slot & (1 << SEGMENT_BITS) - 1));
  }

  private void put(long slot, long entry) {
    segments[(int) (slot >>> SEGMENT_BITS)].put((int) (slot & (1 << SEGMENT_BITS) - 1), entry);
  }
}
