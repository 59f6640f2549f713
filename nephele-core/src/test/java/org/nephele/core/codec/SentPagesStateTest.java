package org.nephele.core.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What was sent in one direction is the reference for the way back. */
class SentPagesStateTest {
  private static final int PAGE = Loop.PAGE;
  private static final int PAGES = 500;

  @TempDir Path folder;

  private final byte[][] memory = new byte[PAGES][PAGE];
  private StreamParameters parameters;
  private Path here;
  private Path there;

  @BeforeEach
  void one_way() throws Exception {
    Random random = new Random(9);
    try (Loop loop = new Loop.Builder(folder).start()) {
      parameters = loop.parameters;
      for (int i = 0; i < PAGES; i++) {
        random.nextBytes(memory[i]);
        loop.page(Space.MEMORY, i, 0, memory[i]);
        if (i % 3 == 0) {
          memory[i][77]++;
          loop.page(Space.MEMORY, i, 0, memory[i]);
        }
      }
      loop.zero(Space.MEMORY, 5, 0);
      memory[5] = new byte[PAGE];
      Mixture.check(loop);
      here = keep(loop.sentHere, "here");
      there = keep(loop.sentThere, "there");
    }
  }

  private Path keep(SentPages pages, String name) throws IOException {
    SentPagesState.save(pages, folder.resolve(name + ".state"));
    return folder.resolve(name + ".state");
  }

  private Path content(String name) throws IOException {
    try (var tree = Files.walk(folder)) {
      return tree.filter(file -> file.endsWith("sent-" + name)).findFirst().orElseThrow();
    }
  }

  @Test
  void the_way_back_sends_only_what_changed_since() throws Exception {
    List<Loop.Item> in = new ArrayList<>();
    Loop.Collector out = new Loop.Collector();
    long[] bytes = {0};
    try (SentPages source = SentPagesState.open(content("there"), there, parameters);
        SentPages target = SentPagesState.open(content("here"), here, parameters);
        PageDecoder decoder =
            new PageDecoder(parameters, org.nephele.core.reference.References.NONE, target, out);
        PageEncoder encoder =
            new PageEncoder(
                parameters,
                org.nephele.core.reference.References.NONE,
                Optional.empty(),
                source,
                frame -> {
                  bytes[0] += frame.remaining();
                  decoder.decode(frame);
                })) {
      memory[100][5]++;
      for (int i = 0; i < PAGES; i++) {
        in.add(new Loop.Item(Space.MEMORY, i, 0, memory[i].clone()));
        encoder.page(Space.MEMORY, i, 0, ByteBuffer.wrap(memory[i]));
      }
      encoder.end();
      decoder.finish();
      assertThat(encoder.statistics().again().same()).isEqualTo(PAGES - 1);
      assertThat(encoder.statistics().again().delta()).isEqualTo(1);
    }
    assertThat(out.items).isEqualTo(in);
    assertThat(bytes[0]).isLessThan(1000);
  }

  @Test
  void ends_that_hold_different_pages_find_out_at_once() throws Exception {
    Path empty = folder.resolve("empty");
    try (SentPages source = SentPagesState.open(content("there"), there, parameters);
        SentPages target = SentPages.create(empty, parameters);
        PageDecoder decoder =
            new PageDecoder(
                parameters,
                org.nephele.core.reference.References.NONE,
                target,
                new Loop.Collector())) {
      assertThatThrownBy(
              () ->
                  new PageEncoder(
                      parameters,
                      org.nephele.core.reference.References.NONE,
                      Optional.empty(),
                      source,
                      decoder::decode))
          .hasMessageContaining("don't hold the same pages of earlier streams");
    }
  }

  @Test
  void a_damaged_state_is_refused() throws Exception {
    byte[] good = Files.readAllBytes(here);
    Random random = new Random(10);
    for (int i = 0; i < 30; i++) {
      byte[] bad = good.clone();
      bad[random.nextInt(bad.length)] ^= (byte) (1 << random.nextInt(8));
      Files.write(here, bad);
      assertThatThrownBy(() -> SentPagesState.open(content("here"), here, parameters))
          .isInstanceOf(IOException.class);
    }
    Files.write(here, java.util.Arrays.copyOf(good, good.length / 2));
    assertThatThrownBy(() -> SentPagesState.open(content("here"), here, parameters))
        .isInstanceOf(IOException.class);
  }

  @Test
  void content_that_is_cut_short_is_refused() throws Exception {
    try (var file =
        java.nio.channels.FileChannel.open(
            content("here"), java.nio.file.StandardOpenOption.WRITE)) {
      file.truncate(10 * PAGE);
    }
    assertThatThrownBy(() -> SentPagesState.open(content("here"), here, parameters))
        .isInstanceOf(IOException.class);
  }
}
