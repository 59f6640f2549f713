package org.nephele.core.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DeltaTest {
  @TempDir Path folder;

  @RepeatedTest(30)
  void aDeltaAppliedToItsBaseGivesTheChangedFile(RepetitionInfo info) throws IOException {
    Random random = new Random(info.getCurrentRepetition());
    int pages = 1 + random.nextInt(1200);
    byte[] base = randomPages(random, pages, new byte[pages * Pages.SIZE]);
    byte[] changed = base.clone();
    for (int i = random.nextInt(40); i > 0; i--) {
      int first = random.nextInt(pages);
      int count = Math.min(1 + random.nextInt(400), pages - first);
      if (random.nextBoolean()) {
        Arrays.fill(changed, first * Pages.SIZE, (first + count) * Pages.SIZE, (byte) 0);
      } else {
        changed[first * Pages.SIZE + random.nextInt(count * Pages.SIZE)] ^= 1;
      }
    }

    byte[] delta = diff(base, changed, pages);

    assertThat(Arrays.mismatch(apply(base, delta, pages), changed)).isEqualTo(-1);
  }

  @Test
  void equalFilesHaveAnEmptyDelta() throws IOException {
    byte[] base = randomPages(new Random(1), 300, new byte[300 * Pages.SIZE]);
    assertThat(diff(base, base, 300)).hasSize(12);
  }

  @Test
  void aLastPageThatIsNotFullIsFilledUpWithZeros() throws IOException {
    byte[] base = new byte[Pages.SIZE + 512];
    byte[] changed = base.clone();
    changed[Pages.SIZE + 511] = 7;

    byte[] delta = diff(base, changed, 2);

    assertThat(delta).hasSize(12 + Pages.SIZE + 12);
    assertThat(delta[12 + 511]).isEqualTo((byte) 7);
  }

  @Test
  void zeroedPagesCostNothingAndOnlyWhereTheBaseIsNot() throws IOException {
    byte[] base = new byte[700 * Pages.SIZE];
    Arrays.fill(base, 100 * Pages.SIZE, 600 * Pages.SIZE, (byte) 1);
    Path file = Files.write(folder.resolve("base"), base);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (FileChannel channel = FileChannel.open(file)) {
      DeltaWriter delta = new DeltaWriter(out);
      new PageDiff(channel, delta).zeros(0, 700, done -> {});
      delta.finish();
      assertThat(delta.zeroPages()).isEqualTo(500);
    }
    DeltaReader reader = new DeltaReader(new ByteArrayInputStream(out.toByteArray()), 700);
    assertThat(reader.next()).contains(new DeltaReader.Run(100, 500, true));
    assertThat(reader.next()).isEmpty();
    assertThat(reader.next()).isEmpty();
  }

  @Test
  void runsBeyondTheFileAreRefused() {
    assertRefused("beyond", run(10, 1 | DeltaWriter.ZERO));
    assertRefused("beyond", run(9, 2 | DeltaWriter.ZERO));
    assertRefused("beyond", run(Long.MAX_VALUE, 1 | DeltaWriter.ZERO));
    assertRefused("beyond", run(0, -1));
  }

  @Test
  void negativePagesAreRefused() {
    assertRefused("out of order", run(-1, 1));
    assertRefused("out of order", run(Long.MIN_VALUE, 1 | DeltaWriter.ZERO));
  }

  @Test
  void runsOutOfOrderAndOverlappingAreRefused() {
    assertRefused("out of order", run(5, 2 | DeltaWriter.ZERO), run(6, 1 | DeltaWriter.ZERO));
    assertRefused("out of order", run(5, 1 | DeltaWriter.ZERO), run(4, 1 | DeltaWriter.ZERO));
  }

  @Test
  void emptyAndOversizedRunsAreRefused() {
    assertRefused("run of 0", run(5, 0));
    assertRefused("run of 0", run(0, DeltaWriter.ZERO));
    assertRefused("run of 257", run(0, 257));
    assertRefused("run of 2147483647", run(0, Integer.MAX_VALUE));
  }

  @Test
  void cutAndTooLongDeltasAreRefused() {
    assertRefused("in the middle", run(1, 1 | DeltaWriter.ZERO));
    assertRefused("in the middle", run(1, 1));
    assertRefused("in the middle", new byte[3]);
    assertRefused("goes on", run(0, 0), run(1, 1));
  }

  @Test
  void noiseNeverGetsOutOfTheFile() {
    for (int seed = 1; seed <= 200; seed++) {
      assertNoiseIsRefused(new Random(seed));
    }
  }

  private static void assertNoiseIsRefused(Random random) {
    byte[] noise = new byte[random.nextInt(60_000)];
    random.nextBytes(noise);
    for (int i = 0; i < noise.length; i += 1 + random.nextInt(5)) {
      noise[i] = 0;
    }
    DeltaReader reader = new DeltaReader(new ByteArrayInputStream(noise), 10);
    assertThatThrownBy(
            () -> {
              for (var run = reader.next(); run.isPresent(); run = reader.next()) {
                assertThat(run.get().first() + run.get().count()).isBetween(1L, 10L);
              }
              throw new FormatException("well-formed by chance");
            })
        .isInstanceOf(FormatException.class);
  }

  private static byte[] run(long first, int word) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      DataOutputStream out = new DataOutputStream(bytes);
      out.writeLong(first);
      out.writeInt(word);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return bytes.toByteArray();
  }

  private static void assertRefused(String why, byte[]... parts) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      bytes.writeBytes(part);
    }
    DeltaReader reader = new DeltaReader(new ByteArrayInputStream(bytes.toByteArray()), 10);
    assertThatThrownBy(
            () -> {
              while (reader.next().isPresent()) {
                continue;
              }
            })
        .isInstanceOf(FormatException.class)
        .hasMessageContaining(why);
  }

  private byte[] diff(byte[] base, byte[] changed, int pages) throws IOException {
    Path baseFile = Files.write(folder.resolve("base"), base);
    Path changedFile = Files.write(folder.resolve("changed"), changed);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (FileChannel b = FileChannel.open(baseFile);
        FileChannel c = FileChannel.open(changedFile)) {
      DeltaWriter delta = new DeltaWriter(out);
      new PageDiff(b, delta).compare(c, 0, 0, pages, done -> {});
      delta.finish();
    }
    return out.toByteArray();
  }

  private static byte[] apply(byte[] base, byte[] delta, int pages) throws IOException {
    byte[] result = base.clone();
    DeltaReader reader = new DeltaReader(new ByteArrayInputStream(delta), pages);
    for (Optional<DeltaReader.Run> next = reader.next(); next.isPresent(); next = reader.next()) {
      DeltaReader.Run run = next.get();
      int from = (int) run.first() * Pages.SIZE;
      int length = (int) run.count() * Pages.SIZE;
      if (run.zero()) {
        Arrays.fill(result, from, from + length, (byte) 0);
      } else {
        System.arraycopy(reader.content(), 0, result, from, length);
      }
    }
    return result;
  }

  /** Some pages random, some zero. */
  static byte[] randomPages(Random random, int pages, byte[] bytes) {
    byte[] page = new byte[Pages.SIZE];
    for (int i = 0; i < pages; i++) {
      if (random.nextInt(3) > 0) {
        random.nextBytes(page);
        System.arraycopy(page, 0, bytes, i * Pages.SIZE, Pages.SIZE);
      }
    }
    return bytes;
  }
}
