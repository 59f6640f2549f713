package org.nephele.core.codec;

import org.nephele.core.codec.EncoderStatistics.Pages;

/** Counts for {@link EncoderStatistics}, and the encoder's own choices. Not thread-safe. */
final class EncoderCounts {
  /** After that many pages of a sort, what came before counts half. */
  private static final double HALF_LIFE = 1024;

  /** What a whole page is taken to cost before any was sent. */
  private static final double FIRST_GUESS = 1400;

  /** A delta of that many bytes is never worse than a whole page by much. */
  private static final double CHEAP_DELTA = 1000;

  /**
   * Against the reference, a strong compressor with the old page at hand beats a delta unless very
   * little has changed.
   */
  private static final double FIRST_DELTA = 0.25;

  private final long[][] all = new long[2][Op.PAGE_OPS];
  private final long[][] inFrame = new long[2][Op.PAGE_OPS];
  private final double[][] recent = new double[2][Op.PAGE_OPS];
  private final Recent literalCost = new Recent(FIRST_GUESS);
  private final Recent deltaCost = new Recent(CHEAP_DELTA);
  private final Recent otherCost = new Recent(1);
  private long frames;
  private long bytes;
  private long opaqueItems;
  private long opaqueBytes;
  private int level;

  /** A mean that forgets. */
  private static final class Recent {
    private double sum;
    private double count = 1;

    Recent(double guess) {
      sum = guess;
    }

    void add(double total, long pages) {
      if (pages > 0) {
        double kept = Math.pow(0.5, pages / HALF_LIFE);
        sum = sum * kept + total;
        count = count * kept + pages;
      }
    }

    double mean() {
      return sum / count;
    }
  }

  void page(int op, boolean again) {
    inFrame[again ? 1 : 0][op]++;
  }

  void opaque(int length) {
    opaqueItems++;
    opaqueBytes += length;
  }

  /** After a frame was packed. */
  void columns(FramePacker packer) {
    long deltas = inFrame[0][Op.DELTA] + inFrame[1][Op.DELTA];
    literalCost.add(
        packer.packedBytes(Column.LITERALS), literals(inFrame[0]) + literals(inFrame[1]));
    deltaCost.add(
        packer.packedBytes(Column.RUNS)
            + packer.packedBytes(Column.GAPS)
            + packer.packedBytes(Column.LENGTHS)
            + packer.packedBytes(Column.VALUES),
        deltas);
    otherCost.add(
        packer.packedBytes(Column.TOKENS)
            + packer.packedBytes(Column.ADDRESSES)
            + packer.packedBytes(Column.REFERENCES)
            + Frames.HEADER
            + Frames.CHECKSUM,
        total(inFrame[0]) + total(inFrame[1]));
  }

  void frame(int length, int pages, int packedAt) {
    frames++;
    bytes += length;
    if (pages > 0) {
      level = packedAt;
    }
    for (int i = 0; i < 2; i++) {
      double kept = Math.pow(0.5, total(inFrame[i]) / HALF_LIFE);
      for (int op = 0; op < Op.PAGE_OPS; op++) {
        all[i][op] += inFrame[i][op];
        recent[i][op] = recent[i][op] * kept + inFrame[i][op];
        inFrame[i][op] = 0;
      }
    }
  }

  /** How much a delta may cost at most, by {@link Delta#cost}, to be taken. */
  double deltaLimit(boolean again) {
    double whole = literalCost.mean();
    return again ? Math.max(CHEAP_DELTA, whole) : FIRST_DELTA * whole;
  }

  EncoderStatistics statistics() {
    return new EncoderStatistics(
        frames,
        bytes,
        opaqueItems,
        opaqueBytes,
        pages(all[0]),
        pages(all[1]),
        level,
        literalCost.mean(),
        cost(recent[0]),
        cost(recent[1]));
  }

  /** Of an average page of a recent mix; of a whole one when there was none. */
  private double cost(double[] mix) {
    double pages = 0;
    for (double each : mix) {
      pages += each;
    }
    if (pages < 1) {
      return otherCost.mean() + literalCost.mean();
    }
    double literals = mix[Op.LITERAL] + mix[Op.LITERAL_WITH_OLD];
    double changed = mix[Op.DELTA] * deltaCost.mean() + literals * literalCost.mean();
    return otherCost.mean() + changed / pages;
  }

  private static Pages pages(long[] ops) {
    return new Pages(
        ops[Op.SAME],
        ops[Op.ZERO],
        ops[Op.DISK],
        ops[Op.MEMORY],
        ops[Op.SENT],
        ops[Op.DELTA],
        literals(ops));
  }

  private static long literals(long[] ops) {
    return ops[Op.LITERAL] + ops[Op.LITERAL_WITH_OLD];
  }

  private static long total(long[] ops) {
    long total = 0;
    for (long each : ops) {
      total += each;
    }
    return total;
  }
}
