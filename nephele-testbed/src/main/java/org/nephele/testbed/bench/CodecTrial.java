package org.nephele.testbed.bench;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.nephele.core.codec.EncoderStatistics;
import org.nephele.core.codec.PageDecoder;
import org.nephele.core.codec.PageEncoder;
import org.nephele.core.codec.PageSink;
import org.nephele.core.codec.SentPages;
import org.nephele.core.codec.Space;
import org.nephele.core.codec.StreamParameters;
import org.nephele.core.reference.ContentId;
import org.nephele.core.reference.Location;
import org.nephele.core.reference.PageFile;
import org.nephele.core.reference.PageIndex;
import org.nephele.core.reference.PageIndexBuilder;
import org.nephele.core.reference.PageIndexBuilder.Source;
import org.nephele.core.reference.References;

/**
 * Runs the page codec over states of a guest that were captured before: what a handoff of that
 * guest would put on the wire, at each level, without nodes and links. Called with a folder that
 * has
 *
 * <pre>
 *   base.mem base.disk   the image: memory blocks one after the other, raw disk
 *   work.mem work.disk   the same guest after its work
 *   later.mem            its memory some seconds later; optional
 *   work.dev             device state
 * </pre>
 *
 * and the levels to try.
 */
public final class CodecTrial {
  private static final int PAGE = PageFile.PAGE;
  private static final byte[] ZEROS = new byte[PAGE];

  private final Path folder;
  private final PageFile baseDisk;
  private final PageFile baseMemory;
  private final PageFile workDisk;
  private final PageFile workMemory;
  private final References references;
  private PageIndex index;

  private CodecTrial(Path folder) throws IOException {
    this.folder = folder;
    baseDisk = PageFile.open(folder.resolve("base.disk"));
    baseMemory = PageFile.open(folder.resolve("base.mem"));
    workDisk = PageFile.open(folder.resolve("work.disk"));
    workMemory = PageFile.open(folder.resolve("work.mem"));
    references = new References(Optional.of(baseDisk), Optional.of(baseMemory));
  }

  public static void main(String[] args) throws IOException {
    if (args.length < 2) {
      System.err.println("usage: CodecTrial FOLDER LEVEL...");
      System.exit(2);
    }
    CodecTrial trial = new CodecTrial(Path.of(args[0]));
    trial.buildIndex();
    for (String level : Arrays.asList(args).subList(1, args.length)) {
      trial.run(Integer.parseInt(level));
    }
  }

  private void buildIndex() throws IOException {
    Path file = Files.createTempDirectory("codec-trial").resolve("index");
    ContentId id = new ContentId(baseDisk.bytes(), baseMemory.bytes(), "", "");
    List<Source> sources =
        List.of(
            new Source(Location.DISK, folder.resolve("base.disk"), Optional.empty()),
            new Source(Location.MEMORY, folder.resolve("base.mem"), Optional.empty()));
    long start = System.nanoTime();
    new PageIndexBuilder(sources, 2).build(file, id, (done, total) -> {});
    double seconds = (System.nanoTime() - start) / 1e9;
    index = PageIndex.open(file, id);
    Files.delete(file);
    System.out.printf(
        "index: %d entries from %d MB in %.1f s%n",
        index.entries(), (baseDisk.bytes() + baseMemory.bytes()) / 1_000_000, seconds);
  }

  private static final class Run implements PageSink {
    private long cpuDecode;
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

  private void run(int level) throws IOException {
    StreamParameters parameters =
        new StreamParameters(baseMemory.pages(), baseDisk.pages(), 1 << 19, "", "");
    Path here = Files.createTempFile("codec-trial", ".here");
    Path there = Files.createTempFile("codec-trial", ".there");
    Files.delete(here);
    Files.delete(there);
    Run run = new Run();
    try (SentPages sentHere = SentPages.create(here, parameters);
        SentPages sentThere = SentPages.create(there, parameters);
        PageDecoder decoder = new PageDecoder(parameters, references, sentThere, run);
        PageEncoder encoder =
            new PageEncoder(
                parameters,
                references,
                Optional.of(index),
                sentHere,
                frame -> {
                  long start = cpu();
                  decoder.decode(frame);
                  run.cpuDecode += cpu() - start;
                })) {
      encoder.setLevel(level);
      long start = cpu();
      disk(encoder);
      encoder.flush();
      long diskBytes = encoder.statistics().bytes();
      memory(encoder, workMemory);
      encoder.opaque(Space.MEMORY, ByteBuffer.wrap(Files.readAllBytes(folder.resolve("work.dev"))));
      encoder.flush();
      report(level, encoder.statistics(), diskBytes, cpu() - start - run.cpuDecode, run);
      if (Files.exists(folder.resolve("later.mem"))) {
        later(encoder);
      }
      encoder.end();
      decoder.finish();
      System.out.printf("    pages kept: %d MB%n", sentHere.bytes() >> 20);
    } finally {
      Files.deleteIfExists(here);
      Files.deleteIfExists(there);
    }
  }

  private static void report(
      int level, EncoderStatistics statistics, long diskBytes, long cpu, Run run) {
    System.out.printf(
        "level %2d: %.2f MB (disk %.2f), %d frames, encode %.2f s, decode %.2f s of CPU%n    %s%n",
        level,
        statistics.bytes() / 1e6,
        diskBytes / 1e6,
        statistics.frames(),
        cpu / 1e9,
        run.cpuDecode / 1e9,
        statistics.first());
  }

  private void disk(PageEncoder encoder) throws IOException {
    byte[] before = new byte[PAGE];
    byte[] after = new byte[PAGE];
    for (long page = 0; page < workDisk.pages(); page++) {
      baseDisk.read(page, before, 0);
      workDisk.read(page, after, 0);
      if (!Arrays.equals(before, after)) {
        encoder.page(Space.DISK, page, 0, ByteBuffer.wrap(after));
      }
    }
  }

  private static void memory(PageEncoder encoder, PageFile memory) throws IOException {
    byte[] content = new byte[PAGE];
    for (long page = 0; page < memory.pages(); page++) {
      memory.read(page, content, 0);
      if (Arrays.equals(content, ZEROS)) {
        encoder.zeroPage(Space.MEMORY, page, 1);
      } else {
        encoder.page(Space.MEMORY, page, 0, ByteBuffer.wrap(content));
      }
    }
  }

  private void later(PageEncoder encoder) throws IOException {
    PageFile later = PageFile.open(folder.resolve("later.mem"));
    byte[] before = new byte[PAGE];
    byte[] after = new byte[PAGE];
    long bytes = encoder.statistics().bytes();
    long pages = 0;
    for (long page = 0; page < later.pages(); page++) {
      workMemory.read(page, before, 0);
      later.read(page, after, 0);
      if (!Arrays.equals(before, after)) {
        encoder.page(Space.MEMORY, page, 0, ByteBuffer.wrap(after));
        pages++;
      }
    }
    encoder.flush();
    EncoderStatistics statistics = encoder.statistics();
    System.out.printf(
        "    later: %d pages in %.3f MB, %s, estimate now %.0f + %.0f a page%n",
        pages,
        (statistics.bytes() - bytes) / 1e6,
        statistics.again(),
        statistics.firstCost(),
        statistics.againCost());
  }

  private static long cpu() {
    return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
  }
}
