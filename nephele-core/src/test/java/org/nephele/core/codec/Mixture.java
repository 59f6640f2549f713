package org.nephele.core.codec;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Everything a stream can have, at random from a seed. */
final class Mixture {
  static final int REFERENCE_PAGES = 300;

  private static final int PAGE = Loop.PAGE;

  private final Random random;
  private final byte[][] recent = new byte[64][PAGE];

  Mixture(Random random) {
    this.random = random;
  }

  static Loop.Builder references(Random random, Path folder) {
    byte[] memory = new byte[REFERENCE_PAGES * PAGE];
    random.nextBytes(memory);
    Arrays.fill(memory, 5 * PAGE, 25 * PAGE, (byte) 0);
    // Not a whole number of pages, as disks can be.
    byte[] disk = new byte[REFERENCE_PAGES * PAGE - 1000];
    random.nextBytes(disk);
    System.arraycopy(memory, 50 * PAGE, disk, 60 * PAGE, 40 * PAGE);
    return new Loop.Builder(folder).memory(memory).disk(disk);
  }

  void feed(Loop loop, int steps) throws Exception {
    long at = 0;
    for (int i = 0; i < steps; i++) {
      Space space = Space.of(random.nextInt(50) == 0 ? 1 - i % 2 : i / 500 % 2);
      int flags = random.nextInt(20) == 0 ? random.nextInt(256) : 3;
      at = random.nextInt(5) == 0 ? random.nextInt(Loop.SPACE_PAGES) : (at + 1) % Loop.SPACE_PAGES;
      step(loop, space, at, flags);
      byte[] last = loop.in.get(loop.in.size() - 1).content();
      if (last.length == PAGE) {
        recent[random.nextInt(recent.length)] = last;
      }
      if (random.nextInt(200) == 0) {
        loop.encoder.flush();
      }
      if (random.nextInt(300) == 0) {
        loop.encoder.setLevel(1 + random.nextInt(6));
        loop.encoder.setFrameBytes(1 << random.nextInt(23));
      }
    }
  }

  private void step(Loop loop, Space space, long at, int flags) throws Exception {
    byte[] page = new byte[PAGE];
    switch (random.nextInt(10)) {
      case 0 -> loop.zero(space, at, flags);
      case 1 -> {
        byte[] bytes = new byte[random.nextInt(40) == 0 ? 700_000 : random.nextInt(300)];
        random.nextBytes(bytes);
        loop.opaque(space, bytes);
      }
      case 2 -> loop.page(space, at, flags, page);
      case 3, 4 -> {
        random.nextBytes(page);
        loop.page(space, at, flags, page);
      }
      case 5 -> {
        loop.references.memory().orElseThrow().read(random.nextInt(REFERENCE_PAGES), page, 0);
        loop.page(space, at, flags, page);
      }
      case 6 -> {
        long there = at % REFERENCE_PAGES;
        loop.references.disk().orElseThrow().read(there, page, 0);
        loop.page(space, there, flags, edited(random, page, random.nextInt(3) * 9));
      }
      case 7 -> loop.page(space, at, flags, recent[random.nextInt(recent.length)]);
      default -> {
        byte[] base = recent[random.nextInt(recent.length)];
        loop.page(space, at, flags, base);
        loop.page(space, at, flags, edited(random, base, random.nextInt(3000)));
      }
    }
  }

  /** A copy with some bytes changed at random places to random values. */
  static byte[] edited(Random random, byte[] page, int bytes) {
    byte[] copy = page.clone();
    for (int i = 0; i < bytes; i++) {
      copy[random.nextInt(PAGE)] = (byte) random.nextInt();
    }
    return copy;
  }

  /** Ends the stream and compares what came out with what went in. */
  static void check(Loop loop) throws Exception {
    loop.encoder.end();
    loop.decoder.finish();
    assertThat(loop.decoder.digest()).isEqualTo(loop.encoder.digest());
    assertThat(joined(loop.out.items)).isEqualTo(joined(loop.in));
    assertThat(SentPagesState.fingerprint(loop.sentThere))
        .isEqualTo(SentPagesState.fingerprint(loop.sentHere));
  }

  /** Pieces of opaque bytes that follow each other make one: how they are cut doesn't matter. */
  private static List<Loop.Item> joined(List<Loop.Item> items) {
    List<Loop.Item> joined = new ArrayList<>();
    for (Loop.Item item : items) {
      Loop.Item last = joined.isEmpty() ? null : joined.get(joined.size() - 1);
      if (last != null && last.page() < 0 && item.page() < 0 && last.space() == item.space()) {
        byte[] both = Arrays.copyOf(last.content(), last.content().length + item.content().length);
        System.arraycopy(item.content(), 0, both, last.content().length, item.content().length);
        joined.set(joined.size() - 1, new Loop.Item(item.space(), -1, 0, both));
      } else if (item.page() >= 0 || item.content().length > 0) {
        joined.add(item);
      }
    }
    return joined;
  }
}
