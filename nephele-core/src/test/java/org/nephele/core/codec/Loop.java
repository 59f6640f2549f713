package org.nephele.core.codec;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.nephele.core.reference.ContentId;
import org.nephele.core.reference.Location;
import org.nephele.core.reference.PageFile;
import org.nephele.core.reference.PageHash;
import org.nephele.core.reference.PageIndex;
import org.nephele.core.reference.PageIndexBuilder;
import org.nephele.core.reference.PageIndexBuilder.Source;
import org.nephele.core.reference.References;

/** An encoder and a decoder back to back over references made for a test. */
final class Loop implements Closeable {
  static final int PAGE = 4096;

  /** What went in or came out. Opaque pieces have page −1. */
  record Item(Space space, long page, int flags, byte[] content) {
    @Override
    public boolean equals(Object other) {
      return other instanceof Item that
          && space == that.space
          && page == that.page
          && flags == that.flags
          && Arrays.equals(content, that.content);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(content);
    }

    @Override
    public String toString() {
      return "%s %d flags %d, %d bytes".formatted(space, page, flags, content.length);
    }
  }

  /** Collects what comes out. */
  static final class Collector implements PageSink {
    final List<Item> items = new ArrayList<>();

    @Override
    public void page(Space space, long page, int flags, ByteBuffer content) {
      items.add(new Item(space, page, flags, bytes(content)));
    }

    @Override
    public void opaque(Space channel, ByteBuffer bytes) {
      items.add(new Item(channel, -1, 0, bytes(bytes)));
    }

    @Override
    public void endOfFrame() {}
  }

  /** What a test may choose. */
  static final class Builder {
    private final Path folder;
    private byte[] memory = new byte[0];
    private byte[] disk = new byte[0];
    private int sentLimit = 4096;
    private PageHash hasher = PageHash.XXH3;
    private Optional<References> agreed = Optional.empty();

    Builder(Path folder) {
      this.folder = folder;
    }

    Builder memory(byte[] content) {
      memory = content;
      return this;
    }

    Builder disk(byte[] content) {
      disk = content;
      return this;
    }

    Builder sentLimit(int pages) {
      sentLimit = pages;
      return this;
    }

    Builder hasher(PageHash function) {
      hasher = function;
      return this;
    }

    Builder agreed(References references) {
      agreed = Optional.of(references);
      return this;
    }

    Loop start() throws IOException {
      return new Loop(this);
    }

    private Optional<PageFile> reference(
        List<Source> sources, int kind, String name, byte[] content) throws IOException {
      if (content.length == 0) {
        return Optional.empty();
      }
      Path file = Files.write(folder.resolve(name), content);
      sources.add(new Source(kind, file, Optional.empty()));
      return Optional.of(PageFile.open(file));
    }
  }

  /** Pages of memory, and of disk, that the stream can name. */
  static final int SPACE_PAGES = 4096;

  final StreamParameters parameters;
  final References references;
  final Optional<PageIndex> index;
  final List<byte[]> frames = new ArrayList<>();
  final List<Item> in = new ArrayList<>();
  final Collector out = new Collector();
  final SentPages sentHere;
  final SentPages sentThere;
  final PageEncoder encoder;
  final PageDecoder decoder;

  private Loop(Builder builder) throws IOException {
    Path folder = Files.createTempDirectory(builder.folder, "loop");
    parameters = new StreamParameters(SPACE_PAGES, SPACE_PAGES, builder.sentLimit, "", "");
    List<Source> sources = new ArrayList<>();
    Optional<PageFile> memory =
        builder.reference(sources, Location.MEMORY, "memory.raw", builder.memory);
    Optional<PageFile> disk = builder.reference(sources, Location.DISK, "disk.raw", builder.disk);
    references = new References(disk, memory);
    ContentId id = new ContentId(builder.disk.length, builder.memory.length, "", "");
    Path file = folder.resolve("index");
    new PageIndexBuilder(sources, 2, builder.hasher).build(file, id, (done, total) -> {});
    index = Optional.of(PageIndex.open(file, id));
    sentHere = SentPages.create(folder.resolve("sent-here"), parameters);
    sentThere = SentPages.create(folder.resolve("sent-there"), parameters);
    References agreed = builder.agreed.orElse(references);
    decoder = new PageDecoder(parameters, agreed, sentThere, out);
    encoder = new PageEncoder(parameters, agreed, index, sentHere, this::frame, builder.hasher);
  }

  void page(Space space, long page, int flags, byte[] content) throws IOException {
    in.add(new Item(space, page, flags, content.clone()));
    encoder.page(space, page, flags, ByteBuffer.wrap(content));
  }

  void zero(Space space, long page, int flags) throws IOException {
    in.add(new Item(space, page, flags, new byte[PAGE]));
    encoder.zeroPage(space, page, flags);
  }

  void opaque(Space channel, byte[] bytes) throws IOException {
    in.add(new Item(channel, -1, 0, bytes.clone()));
    encoder.opaque(channel, ByteBuffer.wrap(bytes));
  }

  private void frame(ByteBuffer frame) throws IOException {
    byte[] bytes = bytes(frame.duplicate());
    frames.add(bytes);
    decoder.decode(ByteBuffer.wrap(bytes));
  }

  /** Bytes of all frames so far. */
  long encoded() {
    return frames.stream().mapToLong(frame -> frame.length).sum();
  }

  static byte[] bytes(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(bytes);
    return bytes;
  }

  @Override
  public void close() throws IOException {
    encoder.close();
    decoder.close();
    sentHere.close();
    sentThere.close();
  }
}
