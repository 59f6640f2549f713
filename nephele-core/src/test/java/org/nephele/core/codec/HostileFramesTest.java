package org.nephele.core.codec;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Frames with a right checksum and a wrong content. */
class HostileFramesTest {
  private static final int ROUNDS = 150;

  @TempDir Path folder;

  @Test
  void changed_bodies_are_refused_or_mean_the_same() throws Exception {
    Random random = new Random(30);
    try (Loop loop = Mixture.references(random, folder).start()) {
      loop.encoder.setFrameBytes(1 << 16);
      new Mixture(random).feed(loop, 400);
      loop.encoder.end();
      int refused = 0;
      for (int i = 0; i < ROUNDS; i++) {
        int number = 1 + random.nextInt(loop.frames.size() - 2);
        byte[] frame = loop.frames.get(number);
        byte[] body = changed(random, Hostile.body(frame));
        try (Hostile hostile = new Hostile(loop.parameters, loop.references)) {
          hostile.good(loop.frames.subList(0, number));
          ByteBuffer header = ByteBuffer.wrap(frame);
          int pages = i % 10 == 0 ? random.nextInt() : Frames.pages(header);
          if (!hostile.decode(Frames.KIND_DATA, pages, Frames.digest(header), body)) {
            refused++;
          }
        }
      }
      assertThat(refused).isGreaterThan(ROUNDS * 9 / 10);
    }
  }

  /** Flips, cuts, doubles and swaps, mostly near the columns' heads, where the lengths are. */
  private static byte[] changed(Random random, byte[] body) {
    List<Byte> bytes = new ArrayList<>();
    for (byte each : body) {
      bytes.add(each);
    }
    int edits = 1 + random.nextInt(4);
    for (int i = 0; i < edits && !bytes.isEmpty(); i++) {
      int at = random.nextInt(random.nextBoolean() ? bytes.size() : Math.min(60, bytes.size()));
      switch (random.nextInt(4)) {
        case 0 -> bytes.set(at, (byte) (bytes.get(at) ^ 1 << random.nextInt(8)));
        case 1 -> bytes.set(at, (byte) random.nextInt());
        case 2 -> bytes.remove(at);
        default -> bytes.add(at, (byte) random.nextInt());
      }
    }
    byte[] changed = new byte[bytes.size()];
    for (int i = 0; i < changed.length; i++) {
      changed[i] = bytes.get(i);
    }
    return changed;
  }

  @Test
  void made_up_tokens_are_refused_or_decoded_in_bounds() throws Exception {
    Random random = new Random(31);
    try (Loop loop = Mixture.references(random, folder).start()) {
      new Mixture(random).feed(loop, 100);
      loop.encoder.flush();
      for (int i = 0; i < ROUNDS; i++) {
        try (Hostile hostile = new Hostile(loop.parameters, loop.references)) {
          hostile.good(loop.frames);
          hostile.decode(Frames.KIND_DATA, random.nextInt(70_000), 0, stored(random));
        }
      }
    }
  }

  /** A body of stored columns with plausible tokens and numbers. */
  private static byte[] stored(Random random) {
    ByteBuffer body = ByteBuffer.allocate(1 << 18);
    for (Column column : Column.all()) {
      ByteBuffer content = ByteBuffer.allocate(20_000);
      int numbers = random.nextInt(column == Column.TOKENS ? 40 : 400);
      for (int i = 0; i < numbers; i++) {
        long value = random.nextInt(4) == 0 ? random.nextInt(1 << 17) : random.nextInt(8);
        Varints.put(content, column == Column.TOKENS ? value << 4 | random.nextInt(13) : value);
      }
      Varints.put(body, content.position());
      if (content.position() > 0) {
        body.put((byte) FramePacker.STORED).put(content.flip());
      }
    }
    byte[] bytes = new byte[body.position()];
    body.get(0, bytes);
    return bytes;
  }

  @Test
  void a_bomb_is_refused_without_unpacking_it() throws Exception {
    // 4 GiB announced, and a column that unpacks to more than it says.
    ByteBuffer lengths = ByteBuffer.allocate(16);
    Varints.put(lengths, 1L << 32);
    lengths.put((byte) FramePacker.ZSTD).put((byte) 2).put(new byte[4]);
    byte[] zeros = new byte[1 << 24];
    byte[] packed = com.github.luben.zstd.Zstd.compress(zeros);
    ByteBuffer more = ByteBuffer.allocate(packed.length + 16);
    Varints.put(more, 1000);
    more.put((byte) FramePacker.ZSTD);
    Varints.put(more, packed.length - 4L);
    more.put(packed, 4, packed.length - 4);
    try (Loop loop = Mixture.references(new Random(32), folder).start()) {
      for (ByteBuffer each : List.of(lengths, more)) {
        try (Hostile hostile = new Hostile(loop.parameters, loop.references)) {
          hostile.good(loop.frames);
          byte[] body = new byte[each.position()];
          each.get(0, body);
          assertThat(hostile.decode(Frames.KIND_DATA, 1, 0, body)).isFalse();
        }
      }
    }
  }

  @Test
  void encoding_and_decoding_take_no_heap_for_pages() throws Exception {
    var threads =
        (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
    Random random = new Random(33);
    int pages = 4000;
    byte[] page = new byte[Loop.PAGE];
    random.nextBytes(page);
    try (Hostile hostile =
            new Hostile(
                new StreamParameters(pages, pages, pages, "", ""),
                org.nephele.core.reference.References.NONE);
        SentPages sent =
            SentPages.create(
                folder.resolve("sent"), new StreamParameters(pages, pages, pages, "", ""));
        PageEncoder encoder =
            new PageEncoder(
                new StreamParameters(pages, pages, pages, "", ""),
                org.nephele.core.reference.References.NONE,
                java.util.Optional.empty(),
                sent,
                hostile::decode)) {
      ByteBuffer in = ByteBuffer.wrap(page);
      long before = 0;
      for (int round = 0; round < 3; round++) {
        if (round == 1) {
          before = threads.getCurrentThreadAllocatedBytes();
        }
        for (int i = 0; i < pages; i++) {
          page[i] += 1;
          encoder.page(Space.MEMORY, i, 0, in.rewind());
        }
      }
      // The assertions in Hostile take some, too.
      assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(2L * pages * 4000);
    }
  }
}
