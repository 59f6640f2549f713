package org.nephele.core.codec;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pages that change all the time are sent as what has changed. */
class HotPagesTest {
  private static final int PAGE = Loop.PAGE;
  private static final int PAGES = 1000;
  private static final int ROUNDS = 4;

  @TempDir Path folder;

  /** How a page changes between two rounds. */
  private interface Change {
    void apply(Random random, byte[] page);
  }

  @Test
  void a_tenth_of_the_bytes_at_random_places_costs_little_more_than_its_entropy() throws Exception {
    int bytes = PAGE / 10;
    Change change =
        (random, page) -> {
          for (int i = 0; i < bytes; i++) {
            page[random.nextInt(PAGE)] = (byte) random.nextInt();
          }
        };
    // Which bytes changed, and to what: log2 of 4096 over 389 (some are hit twice), and 389 bytes.
    double changed = PAGE * (1 - Math.exp(-bytes / (double) PAGE));
    double share = changed / PAGE;
    double places = -(share * log2(share) + (1 - share) * log2(1 - share)) * PAGE / 8;
    for (int level : new int[] {1, 3, 9}) {
      double cost = cost(level, change);
      assertThat(cost).isBetween(places + changed - 10, 1.06 * (places + changed));
    }
  }

  @Test
  void counters_cost_a_few_bytes_each() throws Exception {
    Change change =
        (random, page) -> {
          ByteBuffer counters = ByteBuffer.wrap(page);
          for (int at = 0; at < PAGE; at += 256) {
            counters.putLong(at, counters.getLong(at) + 1 + random.nextInt(3));
          }
        };
    // 16 counters a page.
    assertThat(cost(3, change)).isLessThan(24);
  }

  @Test
  void wholly_random_pages_cost_what_they_are() throws Exception {
    assertThat(cost(3, Random::nextBytes)).isBetween((double) PAGE, PAGE + 20.0);
  }

  @Test
  void the_estimate_for_what_is_left_is_close() throws Exception {
    Change change =
        (random, page) -> {
          for (int i = 0; i < 200; i++) {
            page[random.nextInt(PAGE)]++;
          }
        };
    double cost = cost(3, change);
    assertThat(lastEstimate).isBetween((long) (0.9 * cost * PAGES), (long) (1.1 * cost * PAGES));
  }

  private long lastEstimate;

  /** Bytes a page in the rounds after the first. */
  private double cost(int level, Change change) throws Exception {
    Random random = new Random(level);
    byte[][] pages = new byte[PAGES][PAGE];
    try (Loop loop = new Loop.Builder(folder).start()) {
      loop.encoder.setLevel(level);
      for (byte[] page : pages) {
        random.nextBytes(page);
      }
      long before = 0;
      for (int round = 0; round <= ROUNDS; round++) {
        if (round == 1) {
          before = loop.encoded();
        }
        for (int i = 0; i < PAGES; i++) {
          loop.page(Space.MEMORY, i, 0, pages[i]);
          change.apply(random, pages[i]);
        }
        loop.encoder.flush();
      }
      double cost = (loop.encoded() - before) / (double) (ROUNDS * PAGES);
      lastEstimate = loop.encoder.statistics().estimate(0, PAGES);
      // A slot for each address, however often it changes.
      assertThat(loop.sentHere.bytes()).isEqualTo((long) PAGES * PAGE);
      Mixture.check(loop);
      return cost;
    }
  }

  private static double log2(double x) {
    return Math.log(x) / Math.log(2);
  }
}
