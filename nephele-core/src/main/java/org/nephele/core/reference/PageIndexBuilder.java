package org.nephele.core.reference;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Makes a {@link PageIndex} in one pass over the files, on a few threads. Takes 1 MiB of heap a
 * thread, whatever the files' sizes, and 40 bytes for each MiB of data.
 */
public final class PageIndexBuilder {
  private static final int PAGE = PageFile.PAGE;
  private static final int CHUNK = 1 << 20;
  private static final int CHUNK_PAGES = CHUNK / PAGE;
  private static final byte[] ZEROS = new byte[PAGE];

  /**
   * A part of a file that has data. What isn't in any is a hole and taken for zeros.
   *
   * @param start bytes, a multiple of 4096
   * @param length bytes
   */
  public record Extent(long start, long length) {}

  /**
   * A file to be indexed.
   *
   * @param kind {@link Location#DISK} or {@link Location#MEMORY}
   * @param extents where its data is; empty when nobody knows, then all of it is read
   */
  public record Source(int kind, Path file, Optional<List<Extent>> extents) {}

  /** Is told how far the work is, about once a MiB, one call at a time. */
  @FunctionalInterface
  public interface Progress {
    /**
     * @param done bytes of data looked at
     * @param total bytes of data
     * @throws IOException to give up
     */
    void indexed(long done, long total) throws IOException;
  }

  private record Chunk(int source, long start, int length) {}

  private final List<Source> sources;
  private final PageHash hasher;
  private final int threads;

  /**
   * @param sources the disk and the memory of one image, or one of them
   * @param threads how many to read and hash with, at least 1
   */
  public PageIndexBuilder(List<Source> sources, int threads) {
    this(sources, threads, PageHash.XXH3);
  }

  /** With another hash function, for tests. */
  public PageIndexBuilder(List<Source> sources, int threads, PageHash hasher) {
    this.sources = List.copyOf(sources);
    this.threads = threads;
    this.hasher = hasher;
  }

  /**
   * Builds the index and gives it its name when it is complete. The temporary name has {@code .tmp}
   * behind it; a file of that name, left by a build that was killed, is replaced.
   *
   * @throws IOException if a file can't be read or written, or the progress gave up: then nothing
   *     is left
   */
  public void build(Path target, ContentId content, Progress progress) throws IOException {
    Path temporary = target.resolveSibling(target.getFileName() + ".tmp");
    Files.deleteIfExists(temporary);
    try {
      fill(temporary, content, progress);
      // Its folder isn't flushed: an index that a crash loses is built again.
      Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private void fill(Path temporary, ContentId content, Progress progress) throws IOException {
    List<Chunk> chunks = chunks();
    long total = chunks.stream().mapToLong(Chunk::length).sum();
    int bits = HashSlots.bitsFor(total / PAGE);
    try (FileChannel file =
        FileChannel.open(
            temporary,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE)) {
      file.write(ByteBuffer.allocate(1), PageIndex.HEADER + (8L << bits) - 1);
      HashSlots slots =
          new HashSlots(PageIndex.map(file, bits, FileChannel.MapMode.READ_WRITE), bits);
      long entries = hashAll(chunks, total, slots, progress);
      file.force(false);
      ByteBuffer header = ByteBuffer.allocate(PageIndex.HEADER);
      header.putLong(PageIndex.MAGIC).putInt(PageIndex.VERSION).putInt(bits);
      content.put(header);
      header.putLong(PageIndex.AT_ENTRIES, entries);
      header.putLong(PageIndex.AT_CHECKSUM, PageIndex.checksum(header));
      header.clear();
      while (header.hasRemaining()) {
        file.write(header, header.position());
      }
      file.force(false);
    }
  }

  private List<Chunk> chunks() throws IOException {
    List<Chunk> chunks = new ArrayList<>();
    for (int i = 0; i < sources.size(); i++) {
      long size = Files.size(sources.get(i).file());
      List<Extent> extents = sources.get(i).extents().orElse(List.of(new Extent(0, size)));
      for (Extent extent : extents) {
        long end = Math.min(size, extent.start() + extent.length());
        for (long at = extent.start(); at < end; at += CHUNK) {
          chunks.add(new Chunk(i, at, (int) Math.min(CHUNK, end - at)));
        }
      }
    }
    return chunks;
  }

  private long hashAll(List<Chunk> chunks, long total, HashSlots slots, Progress progress)
      throws IOException {
    List<FileChannel> files = new ArrayList<>();
    ExecutorService workers = Executors.newFixedThreadPool(threads);
    try {
      for (Source source : sources) {
        files.add(FileChannel.open(source.file(), StandardOpenOption.READ));
      }
      Shared shared = new Shared(chunks, files, slots, total, progress);
      List<Future<?>> running = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        running.add(workers.submit(() -> work(shared)));
      }
      for (Future<?> each : running) {
        each.get();
      }
      return shared.entries;
    } catch (ExecutionException e) {
      if (e.getCause() instanceof UncheckedIOException io) {
        throw io.getCause();
      }
      throw new IOException("Building a page index failed.", e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("Building a page index was interrupted.", e);
    } finally {
      // Interrupts the readers, which closes their files under them: they end at once.
      workers.shutdownNow();
      for (FileChannel file : files) {
        file.close();
      }
    }
  }

  /** What the workers have in common; its monitor guards the slots and the counts. */
  private static final class Shared {
    private final List<Chunk> chunks;
    private final List<FileChannel> files;
    private final HashSlots slots;
    private final long total;
    private final Progress progress;
    private final AtomicInteger next = new AtomicInteger();
    private long done;
    private long entries;

    Shared(
        List<Chunk> chunks,
        List<FileChannel> files,
        HashSlots slots,
        long total,
        Progress progress) {
      this.chunks = chunks;
      this.files = files;
      this.slots = slots;
      this.total = total;
      this.progress = progress;
    }

    synchronized void add(long[] hashes, int[] locations, int count, int bytes) throws IOException {
      for (int i = 0; i < count; i++) {
        if (slots.add(hashes[i], locations[i])) {
          entries++;
        }
      }
      done += bytes;
      progress.indexed(done, total);
    }
  }

  private void work(Shared shared) {
    byte[] bytes = new byte[CHUNK];
    long[] hashes = new long[CHUNK_PAGES];
    int[] locations = new int[CHUNK_PAGES];
    try {
      int number;
      while ((number = shared.next.getAndIncrement()) < shared.chunks.size()) {
        Chunk chunk = shared.chunks.get(number);
        read(shared.files.get(chunk.source()), chunk, bytes);
        int kind = sources.get(chunk.source()).kind();
        int count = 0;
        for (int at = 0; at < chunk.length(); at += PAGE) {
          if (!Arrays.equals(bytes, at, at + PAGE, ZEROS, 0, PAGE)) {
            hashes[count] = hasher.of(bytes, at, PAGE);
            locations[count++] = Location.of(kind, (chunk.start() + at) / PAGE);
          }
        }
        shared.add(hashes, locations, count, chunk.length());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Fills up an incomplete last page with zeros. */
  private static void read(FileChannel file, Chunk chunk, byte[] bytes) throws IOException {
    ByteBuffer target = ByteBuffer.wrap(bytes, 0, chunk.length());
    long position = chunk.start();
    while (target.hasRemaining()) {
      int read = file.read(target, position);
      if (read < 0) {
        throw new IOException("A file became shorter while it was indexed.");
      }
      position += read;
    }
    Arrays.fill(bytes, chunk.length(), chunk.length() + PAGE - 1 & -PAGE, (byte) 0);
  }
}
