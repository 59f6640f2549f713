package org.nephele.testbed.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.nephele.core.codec.FrameSink;
import org.nephele.core.codec.PageDecoder;
import org.nephele.core.codec.PageEncoder;
import org.nephele.core.codec.PageSink;
import org.nephele.core.codec.SentPages;
import org.nephele.core.codec.Space;
import org.nephele.core.codec.StreamParameters;
import org.nephele.core.reference.ContentId;
import org.nephele.core.reference.Location;
import org.nephele.core.reference.PageFile;
import org.nephele.core.reference.PageHash;
import org.nephele.core.reference.PageIndex;
import org.nephele.core.reference.PageIndexBuilder;
import org.nephele.core.reference.References;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The page codec on one thread. Scores are MB/s of pages going in or coming out (an operation is a
 * MB), with the agent's own JVM settings.
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(
    value = 1,
    jvmArgs = {"-Xmx200m", "-XX:+UseSerialGC", "-XX:MaxDirectMemorySize=256m"})
@State(Scope.Thread)
public class CodecBenchmark {
  private static final int PAGE = SyntheticPages.PAGE;

  /** Pages that come in hot from a socket's buffer: 1 MiB. */
  private static final int WINDOW = 256;

  /** The reference is as cold as it is in real life: 512 MiB. */
  private static final int REFERENCE_PAGES = 512 * WINDOW;

  private static final int NEW_PAGES = 12_288;

  /** Bytes in the unit of the scores. */
  private static final int MB = 1_000_000;

  private static final int SAME_MB = (int) ((long) REFERENCE_PAGES * PAGE / MB);
  private static final int NEW_MB = (int) ((long) NEW_PAGES * PAGE / MB);

  /** For benchmarks that compress. */
  @State(Scope.Thread)
  public static class Level {
    @Param({"1", "3", "9"})
    public int level;
  }

  private Path folder;
  private StreamParameters parameters;
  private References references;
  private PageIndex index;
  private byte[] window;
  private byte[] fresh;
  private byte[] hot;
  private int files;

  @Setup
  public void setup() throws IOException {
    folder = Files.createTempDirectory("codec-benchmark");
    SyntheticPages pages = new SyntheticPages(1);
    window = pages.pages(WINDOW);
    // New pages resemble what the reference has at their addresses.
    byte[] old = pages.pages(NEW_PAGES);
    fresh = pages.changed(old, 300);
    for (int i = 0; i < fresh.length; i += 2 * PAGE) {
      byte[] other = pages.pages(1);
      System.arraycopy(other, 0, fresh, i, PAGE);
    }
    hot = pages.changed(fresh, 410);
    Path disk = Files.write(folder.resolve("disk.raw"), old);
    Path memory = folder.resolve("memory.raw");
    try (var out = Files.newOutputStream(memory)) {
      for (int i = 0; i < REFERENCE_PAGES; i += WINDOW) {
        out.write(window);
      }
    }
    references =
        new References(Optional.of(PageFile.open(disk)), Optional.of(PageFile.open(memory)));
    parameters = new StreamParameters(REFERENCE_PAGES, NEW_PAGES, 1 << 16, "", "");
    buildIndex();
    index = PageIndex.open(folder.resolve("index"), id());
  }

  @TearDown
  public void tearDown() throws IOException {
    try (var tree = Files.walk(folder)) {
      for (Path each : tree.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(each);
      }
    }
  }

  private ContentId id() {
    return new ContentId((long) NEW_PAGES * PAGE, (long) REFERENCE_PAGES * PAGE, "", "");
  }

  private void buildIndex() throws IOException {
    List<PageIndexBuilder.Source> sources =
        List.of(
            new PageIndexBuilder.Source(
                Location.DISK, folder.resolve("disk.raw"), Optional.empty()),
            new PageIndexBuilder.Source(
                Location.MEMORY, folder.resolve("memory.raw"), Optional.empty()));
    new PageIndexBuilder(sources, 1).build(folder.resolve("index"), id(), (done, total) -> {});
  }

  /** XXH3 of each page, and nothing else: the floor for all that follows. */
  @Benchmark
  @OperationsPerInvocation(SAME_MB)
  public long hash() {
    long sum = 0;
    for (int page = 0; page < REFERENCE_PAGES; page++) {
      sum += PageHash.XXH3.of(window, page % WINDOW * PAGE, PAGE);
    }
    return sum;
  }

  /** Pages that the reference has at the same address. */
  @Benchmark
  @OperationsPerInvocation(SAME_MB)
  public long encodeSame() throws IOException {
    return encode(3, frame -> {}, this::same);
  }

  /** Pages that are new, the old version of every second one resembling it. */
  @Benchmark
  @OperationsPerInvocation(NEW_MB)
  public long encodeNew(Level level) throws IOException {
    return encode(level.level, frame -> {}, encoder -> disk(encoder, fresh));
  }

  /** The same pages, and then each once more with a tenth of its bytes changed. */
  @Benchmark
  @OperationsPerInvocation(2 * NEW_MB)
  public long encodeNewAndHot() throws IOException {
    return encode(
        3,
        frame -> {},
        encoder -> {
          disk(encoder, fresh);
          disk(encoder, hot);
        });
  }

  /** Encodes and decodes; compare with {@link #encodeNewAndHot}. */
  @Benchmark
  @OperationsPerInvocation(2 * NEW_MB)
  public long decodeNewAndHot(Frames frames) throws IOException {
    return frames.decode(this);
  }

  /** Decodes pages that the reference has at the same address. */
  @Benchmark
  @OperationsPerInvocation(SAME_MB)
  public long decodeSame(SameFrames frames) throws IOException {
    return frames.decode(this);
  }

  /** The index over the reference, on one thread. */
  @Benchmark
  @OperationsPerInvocation(SAME_MB)
  public long indexBuild() throws IOException {
    buildIndex();
    return Files.size(folder.resolve("index"));
  }

  /** What is given to an encoder. */
  private interface Input {
    void feed(PageEncoder encoder) throws IOException;
  }

  private long encode(int level, FrameSink sink, Input input) throws IOException {
    Path file = folder.resolve("sent" + files++);
    try (SentPages sent = SentPages.create(file, parameters);
        PageEncoder encoder =
            new PageEncoder(parameters, references, Optional.of(index), sent, sink)) {
      encoder.setLevel(level);
      input.feed(encoder);
      encoder.end();
      return encoder.statistics().bytes();
    } finally {
      Files.delete(file);
    }
  }

  private void same(PageEncoder encoder) throws IOException {
    ByteBuffer in = ByteBuffer.wrap(window);
    for (int page = 0; page < REFERENCE_PAGES; page++) {
      int at = page % WINDOW * PAGE;
      encoder.page(Space.MEMORY, page, 0, in.limit(at + PAGE).position(at));
    }
  }

  private static void disk(PageEncoder encoder, byte[] pages) throws IOException {
    ByteBuffer in = ByteBuffer.wrap(pages);
    for (int page = 0; page < NEW_PAGES; page++) {
      encoder.page(Space.DISK, page, 0, in.limit((page + 1) * PAGE).position(page * PAGE));
    }
  }

  private static byte[] copy(ByteBuffer frame) {
    byte[] bytes = new byte[frame.remaining()];
    frame.get(bytes);
    return bytes;
  }

  private long decode(List<byte[]> frames) throws IOException {
    Path file = folder.resolve("sent" + files++);
    Counter counter = new Counter();
    try (SentPages sent = SentPages.create(file, parameters);
        PageDecoder decoder = new PageDecoder(parameters, references, sent, counter)) {
      for (byte[] frame : frames) {
        decoder.decode(ByteBuffer.wrap(frame));
      }
      decoder.finish();
      return counter.pages;
    } finally {
      Files.delete(file);
    }
  }

  private static final class Counter implements PageSink {
    private long pages;

    @Override
    public void page(Space space, long page, int flags, ByteBuffer content) {
      pages++;
    }

    @Override
    public void opaque(Space channel, ByteBuffer bytes) {}

    @Override
    public void endOfFrame() {}
  }

  /** Frames of {@link #encodeNewAndHot}. */
  @State(Scope.Thread)
  public static class Frames {
    private final List<byte[]> frames = new ArrayList<>();

    long decode(CodecBenchmark benchmark) throws IOException {
      if (frames.isEmpty()) {
        benchmark.encode(
            3,
            frame -> frames.add(copy(frame)),
            encoder -> {
              disk(encoder, benchmark.fresh);
              disk(encoder, benchmark.hot);
            });
      }
      return benchmark.decode(frames);
    }
  }

  /** Frames of {@link #encodeSame}. */
  @State(Scope.Thread)
  public static class SameFrames {
    private final List<byte[]> frames = new ArrayList<>();

    long decode(CodecBenchmark benchmark) throws IOException {
      if (frames.isEmpty()) {
        benchmark.encode(3, frame -> frames.add(copy(frame)), benchmark::same);
      }
      return benchmark.decode(frames);
    }
  }
}
