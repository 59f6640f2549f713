package org.nephele.core.codec;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nephele.core.reference.PageHash;
import org.nephele.core.reference.References;

/** Whatever goes in comes out, byte for byte and in order. The seed is in the test's name. */
class PageStreamPropertyTest {
  private static final int PAGE = Loop.PAGE;
  private static final int STEPS = 2000;

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void random_mixtures_come_out_as_they_went_in(long seed) throws Exception {
    Random random = new Random(seed);
    try (Loop loop = Mixture.references(random, folder).start()) {
      new Mixture(random).feed(loop, STEPS);
      Mixture.check(loop);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {11, 12, 13})
  void a_hash_that_always_collides_changes_nothing_but_the_size(long seed) throws Exception {
    Random random = new Random(seed);
    PageHash hash = seed == 11 ? (b, at, n) -> 42 : (b, at, n) -> b[at] & 3;
    try (Loop loop = Mixture.references(random, folder).hasher(hash).start()) {
      new Mixture(random).feed(loop, STEPS);
      Mixture.check(loop);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 7, 100})
  void a_store_that_is_full_changes_nothing_but_the_size(int limit) throws Exception {
    Random random = new Random(limit);
    try (Loop loop = Mixture.references(random, folder).sentLimit(limit).start()) {
      new Mixture(random).feed(loop, STEPS);
      Mixture.check(loop);
      assertThat(loop.sentHere.pages()).isLessThanOrEqualTo(limit);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {21, 22})
  void the_disk_alone_serves_when_the_memories_differ(long seed) throws Exception {
    References diskOnly;
    try (Loop both = Mixture.references(new Random(seed), folder).start()) {
      diskOnly = new References(both.references.disk(), Optional.empty());
    }
    Random random = new Random(seed);
    // The index knows pages of both references: the encoder must leave out those of the memory.
    try (Loop loop = Mixture.references(random, folder).agreed(diskOnly).start()) {
      new Mixture(random).feed(loop, STEPS);
      Mixture.check(loop);
      assertThat(loop.encoder.statistics().first().memory()).isZero();
      assertThat(loop.encoder.statistics().again().memory()).isZero();
      assertThat(loop.encoder.statistics().first().disk()).isPositive();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"zero", "equal", "distinct", "twice", "backwards"})
  void adversarial_sets_come_out_as_they_went_in(String kind) throws Exception {
    Random random = new Random(kind.hashCode());
    byte[] page = new byte[PAGE];
    random.nextBytes(page);
    int pages = 1500;
    try (Loop loop = Mixture.references(random, folder).start()) {
      for (int i = 0; i < pages; i++) {
        switch (kind) {
          case "zero" -> loop.page(Space.MEMORY, i, 0, new byte[PAGE]);
          case "equal" -> loop.page(Space.MEMORY, i, 0, page);
          case "distinct" -> {
            random.nextBytes(page);
            loop.page(Space.MEMORY, i, 0, page);
          }
          case "twice" -> {
            random.nextBytes(page);
            loop.page(Space.MEMORY, i, 0, page);
            loop.page(Space.DISK, 4000 - i, 1, page);
          }
          default -> loop.page(Space.of(i % 2), 4000 - i, i % 256, Mixture.edited(random, page, 3));
        }
      }
      Mixture.check(loop);
      switch (kind) {
        case "zero" -> assertThat(loop.encoded()).isLessThan(PAGE);
        case "equal" -> assertThat(loop.encoded()).isLessThan(2 * PAGE);
        case "twice", "distinct" -> assertThat(loop.encoded()).isLessThan(pages * (PAGE + 32L));
        default -> {}
      }
    }
  }
}
