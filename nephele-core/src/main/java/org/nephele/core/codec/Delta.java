package org.nephele.core.codec;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A page as its difference from an older version: runs of changed bytes, and the unchanged gaps
 * before them. Runs are exact, never joined over a gap: with bytes that changed at random places, a
 * gap costs 5 bits in its own column, less than the unchanged byte would.
 */
final class Delta {
  /** The most bytes a page can add to the columns of gaps or lengths. */
  static final int MAX_RUN_BYTES = SentPages.PAGE / 2 + 64;

  /** What a run costs beside its bytes, by measurement on bytes that changed at random places. */
  private static final double RUN_COST = 0.65;

  private static final int PAGE = SentPages.PAGE;
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private final int[] starts = new int[PAGE / 2];
  private final int[] ends = new int[PAGE / 2];
  private final byte[] values = new byte[PAGE];
  private int runs;
  private int bytes;

  /**
   * Finds the runs.
   *
   * @param maxCost gives up as soon as {@link #cost} is greater
   * @return whether it did not give up
   */
  boolean compute(byte[] old, byte[] now, double maxCost) {
    runs = 0;
    bytes = 0;
    int end = -1;
    for (int at = 0; at < PAGE; at += Long.BYTES) {
      long difference = (long) LONGS.get(old, at) ^ (long) LONGS.get(now, at);
      while (difference != 0) {
        int lane = Long.numberOfTrailingZeros(difference) >>> 3;
        difference &= ~(0xffL << (lane << 3));
        int position = at + lane;
        if (position == end) {
          ends[runs - 1] = ++end;
        } else {
          if (cost() > maxCost) {
            return false;
          }
          starts[runs] = position;
          end = position + 1;
          ends[runs++] = end;
        }
        values[bytes++] = (byte) (now[position] - old[position]);
      }
    }
    return cost() <= maxCost;
  }

  /** About how many bytes it takes when the changed bytes don't compress. */
  double cost() {
    return bytes + RUN_COST * runs;
  }

  /** Puts what {@link #compute} found into the columns. */
  void write(ItemWriter writer) {
    ByteBuffer gaps = writer.column(Column.GAPS);
    ByteBuffer lengths = writer.column(Column.LENGTHS);
    Varints.put(writer.column(Column.RUNS), runs);
    int end = 0;
    for (int i = 0; i < runs; i++) {
      Varints.put(gaps, starts[i] - end);
      end = ends[i];
      Varints.put(lengths, end - starts[i] - 1L);
    }
    writer.column(Column.VALUES).put(values, 0, bytes);
  }

  /** Turns the old version into the new one. */
  static void apply(ItemReader reader, byte[] page) {
    ByteBuffer gaps = reader.column(Column.GAPS);
    ByteBuffer lengths = reader.column(Column.LENGTHS);
    ByteBuffer values = reader.column(Column.VALUES);
    long runs = Varints.get(reader.column(Column.RUNS));
    long at = 0;
    // No run is empty, so this ends at the page's end at the latest, whatever the number is.
    for (long i = 0; i < runs; i++) {
      at += Varints.get(gaps);
      long end = at + Varints.get(lengths) + 1;
      if (end > PAGE) {
        throw new MalformedFrame("a delta goes beyond its page");
      }
      for (; at < end; at++) {
        page[(int) at] += values.get();
      }
    }
  }
}
