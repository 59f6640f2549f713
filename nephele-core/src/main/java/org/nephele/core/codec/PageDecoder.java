package org.nephele.core.codec;

import java.io.Closeable;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.nephele.core.reference.Location;
import org.nephele.core.reference.PageHash;
import org.nephele.core.reference.References;

/**
 * Turns frames back into what a {@link PageEncoder} was given. Everything that comes in is taken
 * for hostile: a frame is decoded, or it is an error, in bounded time and memory. The digest in
 * every frame is compared with that of what came out; a mismatch is found after the frame's pages
 * were delivered, so nothing may rely on them before {@link #decode} has returned. Not thread-safe.
 */
public final class PageDecoder implements Closeable {
  private static final int PAGE = SentPages.PAGE;

  private final StreamParameters parameters;
  private final References references;
  private final SentPages sent;
  private final PageSink sink;
  private final FrameUnpacker unpacker = new FrameUnpacker();
  private final ItemReader items;
  private final Dictionary dictionary = new Dictionary();
  private final StreamDigest digest = new StreamDigest();
  private final ByteBuffer frame = ByteBuffer.allocateDirect(maxFrameBytes());
  private final byte[] content = new byte[PAGE];
  private final byte[] old = new byte[PAGE];
  private final ByteBuffer view = ByteBuffer.wrap(content).asReadOnlyBuffer();

  private long sequence;
  private boolean ended;
  private PageStreamException broken;

  /**
   * @param parameters must be equal to the encoder's: the first frame is compared with them
   * @param references what both ends agreed on
   * @param sent empty, or as an earlier stream left it at both ends; not closed
   */
  public PageDecoder(
      StreamParameters parameters, References references, SentPages sent, PageSink sink) {
    this.parameters = parameters;
    this.references = references;
    this.sent = sent;
    this.sink = sink;
    this.items = new ItemReader(unpacker.columns(), parameters);
  }

  /** The longest frame there can be; longer ones needn't be read. */
  public static int maxFrameBytes() {
    return Frames.HEADER + Frames.MAX_BODY + Frames.CHECKSUM;
  }

  /**
   * Decodes the next frame.
   *
   * @param bytes exactly one frame, consumed
   * @throws PageStreamException if the frame is damaged or isn't the next one. From then on every
   *     call throws the same
   * @throws IOException if the sink fails, or the file of the pages sent does; nothing more can be
   *     decoded then
   */
  public void decode(ByteBuffer bytes) throws IOException {
    if (broken != null) {
      throw broken;
    }
    try {
      decodeNext(bytes);
    } catch (PageStreamException e) {
      broken = e;
      throw e;
    } catch (MalformedFrame e) {
      broken = new PageStreamException(sequence, e.getMessage());
      throw broken;
    } catch (BufferUnderflowException e) {
      broken = new PageStreamException(sequence, "a column ends too early");
      throw broken;
    } catch (IOException e) {
      broken = new PageStreamException(sequence, "it could not be passed on (" + e + ")");
      throw e;
    }
  }

  /** Whether the end of the stream was decoded, and all of it was right. */
  public boolean hasEnded() {
    return ended && broken == null;
  }

  /** The digest of all that was decoded. */
  public long digest() {
    return digest.value();
  }

  /** How many frames were decoded. */
  public long frames() {
    return sequence;
  }

  /**
   * To be called when no more frames will come.
   *
   * @throws PageStreamException if the stream's end was not among those that came
   */
  public void finish() throws PageStreamException {
    if (broken != null) {
      throw broken;
    }
    if (!ended) {
      throw new PageStreamException(sequence, "the stream was cut before this frame");
    }
  }

  /** Frees memory. */
  @Override
  public void close() {
    if (broken == null && !ended) {
      broken = new PageStreamException(sequence, "the decoder was closed");
    }
    unpacker.close();
  }

  private void decodeNext(ByteBuffer bytes) throws IOException {
    if (ended) {
      throw new PageStreamException(sequence, "it came after the end");
    }
    int length = bytes.remaining();
    if (length > frame.capacity()) {
      throw new PageStreamException(sequence, "it is too long: " + length + " bytes");
    }
    frame.clear().put(bytes).flip();
    int body = Frames.check(frame, length, sequence);
    int kind = Frames.kind(frame);
    if ((sequence == 0) != (kind == Frames.KIND_START)) {
      throw new PageStreamException(sequence, "it is of another kind than it must be here");
    }
    switch (kind) {
      case Frames.KIND_START -> start(body);
      case Frames.KIND_DATA -> data(body);
      case Frames.KIND_END -> end(body);
      default -> throw new PageStreamException(sequence, "it is of an unknown kind: " + kind);
    }
    sequence++;
  }

  private void start(int body) throws PageStreamException {
    if (body != StreamParameters.BYTES || Frames.pages(frame) != 0 || Frames.digest(frame) != 0) {
      throw new PageStreamException(sequence, "it has another form than it must have");
    }
    ByteBuffer theirs = frame.duplicate().position(Frames.HEADER);
    String difference = parameters.difference(theirs, SentPagesState.fingerprint(sent));
    if (!difference.isEmpty()) {
      throw new PageStreamException(sequence, difference);
    }
  }

  private void end(int body) throws PageStreamException {
    if (body != 0 || Frames.pages(frame) != 0) {
      throw new PageStreamException(sequence, "it has another form than it must have");
    }
    checkDigest();
    ended = true;
  }

  private void data(int body) throws IOException {
    unpacker.unpack(frame, Frames.HEADER, body);
    int pages = Frames.pages(frame);
    gatherOldVersions(pages);
    unpacker.unpackLiterals(frame, dictionary);
    items.begin(pages);
    while (items.next()) {
      if (items.op() == Op.OPAQUE) {
        opaque();
      } else {
        page();
      }
    }
    items.end();
    checkDigest();
    sink.endOfFrame();
  }

  /** A first walk: the literals can't be unpacked without the old versions of their pages. */
  private void gatherOldVersions(int pages) {
    dictionary.clear();
    items.begin(pages);
    while (items.next()) {
      if (items.op() == Op.LITERAL_WITH_OLD) {
        if (!items.space().hasReference(references, items.page())) {
          throw missing(items.space(), items.page());
        }
        items.space().file(references).read(items.page(), old, 0);
        dictionary.add(old);
      }
    }
  }

  private void page() throws IOException {
    Space space = items.space();
    long page = items.page();
    switch (items.op()) {
      case Op.SAME -> readBase(space, page);
      case Op.ZERO -> {
        Arrays.fill(content, (byte) 0);
        sent.point(space, page, Location.ZERO);
      }
      case Op.DISK -> reference(space, page, Location.DISK);
      case Op.MEMORY -> reference(space, page, Location.MEMORY);
      case Op.SENT -> sentBefore(space, page);
      case Op.DELTA -> {
        readBase(space, page);
        Delta.apply(items, content);
        sent.store(space, page, content);
      }
      case Op.LITERAL, Op.LITERAL_WITH_OLD -> {
        items.column(Column.LITERALS).get(content);
        sent.store(space, page, content);
      }
      default -> throw new AssertionError(items.op());
    }
    digest.page(space, page, items.flags(), PageHash.XXH3.of(content, 0, PAGE));
    sink.page(space, page, items.flags(), view.clear());
  }

  private void reference(Space space, long page, int kind) {
    long number = items.reference();
    if (number >= Location.MAX_PAGES || !references.has(Location.of(kind, number))) {
      throw new MalformedFrame("it refers to a page that no reference has: " + number);
    }
    int location = Location.of(kind, number);
    references.read(location, content);
    sent.point(space, page, location);
  }

  private void sentBefore(Space space, long page) throws IOException {
    long slot = items.reference();
    if (slot >= parameters.sentPagesLimit() || !sent.isLive((int) slot)) {
      throw new MalformedFrame("it refers to a page that was not sent: " + slot);
    }
    sent.read((int) slot, content);
    sent.point(space, page, Location.of(Location.SENT, slot));
  }

  private void readBase(Space space, long page) throws IOException {
    int base = sent.location(space, page);
    if (base == Location.SAME_ADDRESS && space.hasReference(references, page)) {
      space.file(references).read(page, content, 0);
    } else if (base == Location.ZERO) {
      Arrays.fill(content, (byte) 0);
    } else if (Location.kind(base) == Location.SENT) {
      sent.read(Location.page(base), content);
    } else if (references.has(base)) {
      references.read(base, content);
    } else {
      throw missing(space, page);
    }
  }

  private static MalformedFrame missing(Space space, long page) {
    return new MalformedFrame(
        "it needs the old content of page %d of the %s, which this end doesn't have"
            .formatted(page, space));
  }

  private void opaque() throws IOException {
    int length = items.opaqueLength();
    ByteBuffer column = items.column(Column.OPAQUE);
    int at = column.position();
    if (length > column.remaining()) {
      throw new BufferUnderflowException();
    }
    column.position(at + length);
    digest.opaque(items.space(), length, PageHash.Xxh3.of(column, at, length));
    sink.opaque(items.space(), column.slice(at, length).asReadOnlyBuffer());
  }

  private void checkDigest() throws PageStreamException {
    if (Frames.digest(frame) != digest.value()) {
      throw new PageStreamException(
          sequence,
          "what came out isn't what went in, so a reference or the file of the pages sent is damaged"
              + " at one of the two ends");
    }
  }
}
