package org.nephele.core.codec;

/**
 * What an encoder has sent, and what it expects the next pages to cost. A snapshot, taken at a
 * frame.
 *
 * @param frames all frames
 * @param bytes of all frames, as they went to the sink
 * @param opaqueItems pieces of bytes that aren't pages
 * @param opaqueBytes how many bytes these were, before compression
 * @param first pages at addresses that had not changed against the reference before
 * @param again pages at addresses that this stream, or one before it, had sent or made zero
 * @param level zstd's level in the last frame
 * @param literalCost bytes that a whole page costs of late, encoded
 * @param firstCost bytes that a page of {@code first} costs of late, encoded, whatever way it goes
 * @param againCost the same for {@code again}
 */
public record EncoderStatistics(
    long frames,
    long bytes,
    long opaqueItems,
    long opaqueBytes,
    Pages first,
    Pages again,
    int level,
    double literalCost,
    double firstCost,
    double againCost) {

  /**
   * Pages by the way they were sent.
   *
   * @param same the receiver had it at this address
   * @param zero zeros
   * @param disk the reference disk has it
   * @param memory the reference memory has it
   * @param sent it was sent before, for another address
   * @param delta a difference from what the receiver has at this address
   * @param literal whole
   */
  public record Pages(
      long same, long zero, long disk, long memory, long sent, long delta, long literal) {

    /** All of them. */
    public long total() {
      return same + zero + disk + memory + sent + delta + literal;
    }
  }

  /**
   * What it would cost to send pages that are dirty now, by what pages of that sort cost of late.
   *
   * @param firstPages how many are at addresses that were never sent
   * @param againPages how many are at addresses that were
   * @return bytes, encoded
   */
  public long estimate(long firstPages, long againPages) {
    return Math.round(firstPages * firstCost + againPages * againCost);
  }
}
