package org.nephele.core.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nephele.core.reference.PageFile;
import org.nephele.core.reference.References;

/** A stream that isn't what was sent ends in one clear error, and stays in it. */
class DamageTest {
  @TempDir Path folder;

  private Loop sent;
  private List<byte[]> frames;

  @BeforeEach
  void send() throws Exception {
    Random random = new Random(5);
    sent = Mixture.references(random, folder).start();
    sent.encoder.setFrameBytes(1 << 17);
    for (int i = 0; i < 10; i++) {
      new Mixture(random).feed(sent, 50);
      sent.encoder.flush();
    }
    Mixture.check(sent);
    frames = new ArrayList<>(sent.frames);
    assertThat(frames).hasSizeGreaterThan(8);
  }

  @AfterEach
  void close() throws IOException {
    sent.close();
  }

  @Test
  void a_flipped_bit_anywhere_is_found_before_anything_is_decoded() throws Exception {
    Random random = new Random(6);
    for (int i = 0; i < 100; i++) {
      int number = random.nextInt(frames.size());
      byte[] frame = frames.get(number).clone();
      frame[random.nextInt(i % 2 == 0 ? frame.length : Math.min(40, frame.length))] ^=
          (byte) (1 << random.nextInt(8));
      List<byte[]> damaged = new ArrayList<>(frames);
      damaged.set(number, frame);
      assertBroken(damaged, number);
    }
  }

  @Test
  void a_frame_that_is_cut_short_is_found() throws Exception {
    Random random = new Random(7);
    for (int i = 0; i < 20; i++) {
      int number = random.nextInt(frames.size());
      byte[] frame = frames.get(number);
      List<byte[]> damaged = new ArrayList<>(frames);
      damaged.set(number, java.util.Arrays.copyOf(frame, random.nextInt(frame.length)));
      assertBroken(damaged, number);
    }
  }

  @Test
  void a_stream_that_is_cut_between_frames_is_found_at_its_end() throws Exception {
    for (int number = 0; number < frames.size(); number++) {
      String message = decode(frames.subList(0, number), sent.references);
      assertThat(message)
          .isEqualTo(
              "The page stream is broken at frame "
                  + number
                  + ": the stream was cut before this frame.");
    }
  }

  @Test
  void a_frame_that_comes_twice_is_found() throws Exception {
    for (int number = 0; number < frames.size(); number++) {
      List<byte[]> damaged = new ArrayList<>(frames);
      damaged.add(number + 1, frames.get(number));
      assertBroken(damaged, number + 1);
    }
  }

  @Test
  void a_frame_that_is_missing_is_found() throws Exception {
    for (int number = 0; number < frames.size() - 1; number++) {
      List<byte[]> damaged = new ArrayList<>(frames);
      damaged.remove(number);
      assertBroken(damaged, number);
    }
  }

  @Test
  void frames_out_of_order_are_found() throws Exception {
    for (int number = 0; number < frames.size() - 1; number++) {
      List<byte[]> damaged = new ArrayList<>(frames);
      Collections.swap(damaged, number, number + 1);
      assertBroken(damaged, number);
    }
  }

  @Test
  void another_reference_under_the_same_name_is_found() throws Exception {
    byte[] disk = Files.readAllBytes(folder.resolve("disk.raw"));
    new Random(8).nextBytes(disk);
    PageFile other = PageFile.open(Files.write(folder.resolve("other.raw"), disk));
    References wrong = new References(Optional.of(other), sent.references.memory());
    // The literals of such a stream may fail to unpack before the digest is compared.
    assertThat(decode(frames, wrong))
        .containsAnyOf("what came out isn't what went in", "can't be unpacked");
  }

  @Test
  void an_end_that_has_other_parameters_says_which() throws Exception {
    assertThat(first(new StreamParameters(4096, 4095, 4096, "", "")))
        .contains("the sender has 4096 pages of memory and 4096 of disk in mind, this end has 4096")
        .contains("and 4095");
    assertThat(first(new StreamParameters(4096, 4096, 5, "", "")))
        .contains("the sender keeps 4096 pages, this end 5");
    assertThat(first(new StreamParameters(4096, 4096, 4096, "ab".repeat(32), "")))
        .contains("the two ends don't have the same reference memory");
    assertThat(first(new StreamParameters(4096, 4096, 4096, "", "ab".repeat(32))))
        .contains("the two ends don't have the same reference disk");
  }

  private String first(StreamParameters parameters) throws IOException {
    Path file = folder.resolve("sent" + System.nanoTime());
    try (SentPages pages = SentPages.create(file, parameters);
        PageDecoder decoder =
            new PageDecoder(parameters, sent.references, pages, new Loop.Collector())) {
      assertThatThrownBy(() -> decoder.decode(ByteBuffer.wrap(frames.get(0))))
          .isInstanceOf(PageStreamException.class);
      return assertThatMessage(decoder);
    }
  }

  private static String assertThatMessage(PageDecoder decoder) {
    try {
      decoder.finish();
      return "";
    } catch (PageStreamException e) {
      return e.getMessage();
    }
  }

  private void assertBroken(List<byte[]> damaged, int number) throws IOException {
    assertThat(decode(damaged, sent.references))
        .startsWith("The page stream is broken at frame " + number + ": ");
  }

  /** Decodes until an error, asserts that it stays, and returns its message. */
  private String decode(List<byte[]> list, References references) throws IOException {
    Path file = folder.resolve("sent" + System.nanoTime());
    try (SentPages pages = SentPages.create(file, sent.parameters);
        PageDecoder decoder =
            new PageDecoder(sent.parameters, references, pages, new Loop.Collector())) {
      String message = "";
      for (byte[] frame : list) {
        try {
          decoder.decode(ByteBuffer.wrap(frame));
          assertThat(message).isEmpty();
        } catch (PageStreamException e) {
          message = message.isEmpty() ? e.getMessage() : message;
          assertThat(e).hasMessage(message);
          assertThat(decoder.hasEnded()).isFalse();
        }
      }
      return message.isEmpty() ? assertThatMessage(decoder) : message;
    } finally {
      Files.delete(file);
    }
  }
}
