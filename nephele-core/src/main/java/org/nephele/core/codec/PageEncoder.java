package org.nephele.core.codec;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.IntPredicate;
import org.nephele.core.reference.HashSlots;
import org.nephele.core.reference.Location;
import org.nephele.core.reference.PageHash;
import org.nephele.core.reference.PageIndex;
import org.nephele.core.reference.References;

/**
 * Turns pages of memory and disk, and the bytes between them, into frames; {@link PageDecoder} is
 * its inverse. Each page is sent in the cheapest way there is. A frame goes out when it is full,
 * and on {@link #flush()}. Keeps no page in the heap. One thread uses it; only {@link #setLevel},
 * {@link #setFrameBytes} and {@link #statistics} are for any.
 */
public final class PageEncoder implements Closeable {
  /** Flags of a page that the encoder passes on without knowing what they mean: 0 to this. */
  public static final int MAX_FLAGS = 255;

  /** Opaque bytes up to this many stay in one piece. */
  public static final int MAX_OPAQUE = Frames.MAX_OPAQUE;

  public static final int MIN_LEVEL = 1;
  public static final int MAX_LEVEL = 19;

  /** Whole pages in a frame, bytes: more compress no better (measured), and come later. */
  public static final int FRAME_BYTES = 1 << 20;

  private static final int DEFAULT_LEVEL = 3;
  private static final int PAGE = SentPages.PAGE;
  private static final byte[] ZEROS = new byte[PAGE];
  private static final long ZERO_HASH = PageHash.XXH3.of(ZEROS, 0, PAGE);

  // 8 bytes a slot, so 128 MiB at most, for 32 GiB of pages sent.
  private static final int SENT_INDEX_MIN_BITS = 10;
  private static final int SENT_INDEX_MAX_BITS = 24;

  private final StreamParameters parameters;
  private final References references;
  private final PageIndex index;
  private final PageHash hasher;
  private final SentPages sent;
  private final HashSlots sentIndex;
  private final FrameSink sink;

  private final ItemWriter items = new ItemWriter();
  private final Dictionary dictionary = new Dictionary();
  private final FramePacker packer = new FramePacker();
  private final StreamDigest digest = new StreamDigest();
  private final EncoderCounts counts = new EncoderCounts();
  private final Delta delta = new Delta();
  private final byte[] now = new byte[PAGE];
  private final byte[] old = new byte[PAGE];
  private final byte[] candidate = new byte[PAGE];
  private final IntPredicate isReference = this::isReference;
  private final IntPredicate isSent = this::isSent;
  private IOException readFailure;

  private volatile int level = DEFAULT_LEVEL;
  private volatile int frameBytes = FRAME_BYTES;
  private volatile EncoderStatistics statistics = counts.statistics();
  private long sequence;
  private boolean ended;

  /**
   * Starts a stream: its first frame goes to the sink at once.
   *
   * @param references what both ends agreed on; its hashes are in the parameters
   * @param index over these references, or over more than these; without it pages are found at
   *     their own address only
   * @param sent empty, or as an earlier stream left it at both ends; not closed
   */
  public PageEncoder(
      StreamParameters parameters,
      References references,
      Optional<PageIndex> index,
      SentPages sent,
      FrameSink sink)
      throws IOException {
    this(parameters, references, index, sent, sink, PageHash.XXH3);
  }

  /** With another hash function, for tests: the index must have been made with the same. */
  PageEncoder(
      StreamParameters parameters,
      References references,
      Optional<PageIndex> index,
      SentPages sent,
      FrameSink sink,
      PageHash hasher)
      throws IOException {
    this.parameters = parameters;
    this.references = references;
    this.index = index.orElse(null);
    this.hasher = hasher;
    this.sent = sent;
    this.sink = sink;
    int bits = Integer.SIZE + 1 - Integer.numberOfLeadingZeros(parameters.sentPagesLimit());
    bits = Math.min(SENT_INDEX_MAX_BITS, Math.max(SENT_INDEX_MIN_BITS, bits));
    this.sentIndex = HashSlots.over(ByteBuffer.allocateDirect(Long.BYTES << bits).asLongBuffer());
    emit(packer.start(parameters, SentPagesState.fingerprint(sent)), 0, 0);
  }

  /**
   * zstd's level from the next frame on: {@link #MIN_LEVEL}, the fastest, to {@link #MAX_LEVEL}.
   */
  public void setLevel(int level) {
    if (level < MIN_LEVEL || level > MAX_LEVEL) {
      throw new IllegalArgumentException("level " + level);
    }
    this.level = level;
  }

  /**
   * How many bytes of whole pages fill a frame, before compression. Brought into what's possible.
   */
  public void setFrameBytes(int bytes) {
    frameBytes = Math.max(PAGE, Math.min(bytes, Column.LITERALS.limit()));
  }

  /** What was encoded up to the last frame. */
  public EncoderStatistics statistics() {
    return statistics;
  }

  /**
   * Encodes a page.
   *
   * @param page its number, less than the parameters say
   * @param flags 0 to {@link #MAX_FLAGS}
   * @param content 4096 bytes, consumed
   * @throws IOException if the sink fails, or the file of the pages sent does
   */
  public void page(Space space, long page, int flags, ByteBuffer content) throws IOException {
    check(space, page, flags);
    room(0);
    content.get(now, 0, PAGE);
    long hash = PageHash.XXH3.of(now, 0, PAGE);
    digest.page(space, page, flags, hash);
    int base = sent.location(space, page);
    boolean hasOld = readBase(space, page, base);
    boolean again = base != Location.SAME_ADDRESS;
    int op;
    if (hasOld && Arrays.equals(now, old)) {
      op = Op.SAME;
      items.page(space, page, flags, op);
    } else if (hash == ZERO_HASH && Arrays.equals(now, ZEROS)) {
      op = zero(space, page, flags);
    } else {
      long lookup = hasher == PageHash.XXH3 ? hash : hasher.of(now, 0, PAGE);
      op = elsewhere(space, page, flags, lookup);
      if (op < 0) {
        op = changed(space, page, flags, again, hasOld);
        int slot = sent.store(space, page, now);
        if (slot >= 0) {
          sentIndex.replace(lookup, Location.of(Location.SENT, slot));
        }
      }
    }
    counts.page(op, again);
    if (items.column(Column.LITERALS).position() >= frameBytes) {
      flush();
    }
  }

  /** Encodes a page of zeros. The parameters are as for {@link #page}. */
  public void zeroPage(Space space, long page, int flags) throws IOException {
    check(space, page, flags);
    room(0);
    digest.page(space, page, flags, ZERO_HASH);
    boolean again = sent.location(space, page) != Location.SAME_ADDRESS;
    counts.page(zero(space, page, flags), again);
  }

  /** Passes bytes on that aren't a page, between what was encoded before and after. */
  public void opaque(Space channel, ByteBuffer bytes) throws IOException {
    checkOpen();
    int limit = bytes.limit();
    while (bytes.position() < limit) {
      int length = Math.min(limit - bytes.position(), Frames.MAX_OPAQUE);
      room(length);
      ByteBuffer column = items.column(Column.OPAQUE);
      int at = column.position();
      items.opaque(channel, bytes.limit(bytes.position() + length));
      digest.opaque(channel, length, PageHash.Xxh3.of(column, at, length));
      counts.opaque(length);
      bytes.limit(limit);
    }
  }

  /** Sends all that was given so far, so that the other end can decode it. */
  public void flush() throws IOException {
    checkOpen();
    if (items.isEmpty()) {
      return;
    }
    items.endRun();
    int packedAt = level;
    int pages = items.pages();
    ByteBuffer frame = packer.pack(items, dictionary, packedAt, sequence, digest.value());
    counts.columns(packer);
    items.clear();
    dictionary.clear();
    emit(frame, pages, packedAt);
  }

  /** Sends the rest and the end of the stream. Nothing can be encoded after that. */
  public void end() throws IOException {
    flush();
    emit(packer.end(sequence, digest.value()), 0, 0);
    ended = true;
  }

  /** The digest of all that was encoded, which the decoder's must be equal to. */
  public long digest() {
    return digest.value();
  }

  /** Frees memory. Does not end the stream: a stream that was not ended is cut. */
  @Override
  public void close() {
    ended = true;
    packer.close();
  }

  /**
   * Encodes the page by a place where the receiver has it.
   *
   * @return the operation, or −1 when there is no such place
   */
  private int elsewhere(Space space, long page, int flags, long hash) throws IOException {
    int found = index == null ? 0 : index.find(hash, isReference);
    if (found == 0) {
      found = sentIndex.find(hash, isSent);
    }
    if (readFailure != null) {
      throw readFailure;
    }
    if (found == 0) {
      return -1;
    }
    int op =
        switch (Location.kind(found)) {
          case Location.DISK -> Op.DISK;
          case Location.MEMORY -> Op.MEMORY;
          default -> Op.SENT;
        };
    items.page(space, page, flags, op);
    items.reference(op, Location.page(found));
    sent.point(space, page, found);
    return op;
  }

  /** Encodes the page by its content, as a difference or whole. */
  private int changed(Space space, long page, int flags, boolean again, boolean hasOld) {
    if (hasOld && delta.compute(old, now, counts.deltaLimit(again))) {
      items.page(space, page, flags, Op.DELTA);
      delta.write(items);
      return Op.DELTA;
    }
    // Only references serve as dictionary: what was sent may change within this very frame.
    boolean withOld = hasOld && !again && Resemblance.of(old, now);
    int op = withOld ? Op.LITERAL_WITH_OLD : Op.LITERAL;
    items.page(space, page, flags, op);
    items.column(Column.LITERALS).put(now);
    if (withOld) {
      dictionary.add(old);
    }
    return op;
  }

  private int zero(Space space, long page, int flags) {
    items.page(space, page, flags, Op.ZERO);
    sent.point(space, page, Location.ZERO);
    return Op.ZERO;
  }

  /** Reads what the receiver has at this address, if both ends know it. */
  private boolean readBase(Space space, long page, int base) throws IOException {
    if (base == Location.SAME_ADDRESS) {
      if (!space.hasReference(references, page)) {
        return false;
      }
      space.file(references).read(page, old, 0);
    } else if (base == Location.ZERO) {
      Arrays.fill(old, (byte) 0);
    } else if (base == Location.UNKNOWN) {
      return false;
    } else if (Location.kind(base) == Location.SENT) {
      sent.read(Location.page(base), old);
    } else {
      references.read(base, old);
    }
    return true;
  }

  /** Equal hashes prove nothing: the bytes must be equal. */
  private boolean isReference(int location) {
    if (!references.has(location)) {
      return false;
    }
    references.read(location, candidate);
    return Arrays.equals(now, candidate);
  }

  private boolean isSent(int location) {
    int slot = Location.page(location);
    if (!sent.isLive(slot)) {
      return false;
    }
    try {
      sent.read(slot, candidate);
    } catch (IOException e) {
      readFailure = e;
      return false;
    }
    return Arrays.equals(now, candidate);
  }

  private void check(Space space, long page, int flags) {
    checkOpen();
    if (page < 0 || page >= parameters.pages(space) || flags < 0 || flags > MAX_FLAGS) {
      throw new IllegalArgumentException(space + " page " + page + " flags " + flags);
    }
  }

  private void checkOpen() {
    if (ended) {
      throw new IllegalStateException("The page stream has ended.");
    }
  }

  private void room(int opaque) throws IOException {
    if (!items.hasRoom(opaque)) {
      flush();
    }
  }

  private void emit(ByteBuffer frame, int pages, int packedAt) throws IOException {
    counts.frame(frame.remaining(), pages, packedAt);
    statistics = counts.statistics();
    sequence++;
    sink.frame(frame);
  }
}
