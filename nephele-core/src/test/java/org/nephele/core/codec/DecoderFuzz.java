package org.nephele.core.codec;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/**
 * Jazzer looks for input that makes the decoder allocate, loop, or fail in another way than it
 * says. In an ordinary test run only the empty input and those that were kept are tried, in a JVM
 * of their own: Jazzer instruments all it sees. To fuzz one of the methods:
 *
 * <pre>
 *   JAZZER_FUZZ=1 mvn -pl nephele-core surefire:test@fuzz -Dtest=DecoderFuzz#columns
 * </pre>
 */
class DecoderFuzz {
  private static final Loop LOOP = loop();

  private static Loop loop() {
    try {
      Path folder = Files.createTempDirectory("decoder-fuzz");
      Random random = new Random(40);
      Loop loop = Mixture.references(random, folder).start();
      new Mixture(random).feed(loop, 100);
      loop.encoder.flush();
      return loop;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  /**
   * A frame after good ones: its columns are the fuzzer's, stored, so that it sees what they do.
   */
  @FuzzTest(maxDuration = "60s")
  void columns(FuzzedDataProvider data) throws IOException {
    int pages = data.consumeInt(-1, Frames.MAX_PAGES + 1);
    ByteBuffer body = ByteBuffer.allocate(1 << 20);
    for (Column column : Column.all()) {
      byte[] content = data.consumeBytes(data.consumeInt(0, 2000));
      Varints.put(body, content.length);
      if (content.length > 0) {
        body.put((byte) FramePacker.STORED).put(content);
      }
    }
    body.put(data.consumeRemainingAsBytes());
    byte[] bytes = new byte[body.position()];
    body.get(0, bytes);
    try (Hostile hostile = new Hostile(LOOP.parameters, LOOP.references)) {
      hostile.good(LOOP.frames);
      hostile.decode(Frames.KIND_DATA, pages, 0, bytes);
    }
  }

  /** A body of any kind, with the right checksum. */
  @FuzzTest(maxDuration = "60s")
  void bodies(FuzzedDataProvider data) throws IOException {
    int kind = data.consumeInt(0, 4);
    int pages = data.consumeInt();
    byte[] body = data.consumeBytes(Frames.MAX_BODY);
    try (Hostile hostile = new Hostile(LOOP.parameters, LOOP.references)) {
      hostile.good(data.consumeBoolean() ? LOOP.frames : List.of());
      hostile.decode(kind, pages, 0, body);
    }
  }

  /** Bytes as they come. */
  @FuzzTest(maxDuration = "60s")
  void frames(byte[] bytes) throws IOException {
    try (Hostile hostile = new Hostile(LOOP.parameters, LOOP.references)) {
      hostile.decode(ByteBuffer.wrap(bytes));
    }
  }
}
