package org.nephele.core.codec.streams;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.nephele.core.codec.PageEncoder;
import org.nephele.core.codec.Space;

/**
 * Finds the pages in what an NBD client sends, and puts all of it into a page stream: whole aligned
 * pages that it writes as pages, everything else as it is. Its inverse is {@link DiskDecoder}. The
 * client's side of NBD says itself what comes next, so the server's answers aren't looked at:
 *
 * <pre>
 *   u32 client flags, once
 *   u64 "IHAVEOPT"  u32 option  u32 length  length bytes                                 options
 *   u32 25609513  u16 flags  u16 type  u64 cookie  u64 offset  u32 length  [data]        requests
 *   u32 21e41c71  u16 flags  u16 type  u64 cookie  u64 offset  u64 length  [data]        extended ones
 * </pre>
 *
 * Data follows a WRITE (type 1), and an extended request with flag 0x20. Anything else makes the
 * rest of the connection opaque. One object a connection, for the thread that reads; locks the
 * encoder.
 */
public final class DiskEncoder {
  private static final int PAGE = 4096;
  private static final int CLIENT_FLAGS = 4;
  private static final int OPTION = 16;
  private static final int REQUEST = 28;
  private static final int EXTENDED_REQUEST = 32;
  private static final int OPTION_MAGIC = 0x49484156; // "IHAV"
  private static final int REQUEST_MAGIC = 0x25609513;
  private static final int EXTENDED_MAGIC = 0x21e41c71;
  private static final int TYPE_WRITE = 1;
  private static final int FLAG_PAYLOAD = 1 << 5;

  private enum State {
    FLAGS,
    HEADER,
    DATA,
    OPAQUE
  }

  private final PageEncoder encoder;
  private final long pages;
  private final ByteBuffer header = ByteBuffer.allocate(EXTENDED_REQUEST);
  private final ByteBuffer page = ByteBuffer.allocate(PAGE);
  private State state = State.FLAGS;
  private boolean isWrite;
  private long offset;
  private long left;

  /**
   * @param pages how many pages of disk the stream's parameters have; those beyond go as bytes
   */
  public DiskEncoder(PageEncoder encoder, long pages) {
    this.encoder = encoder;
    this.pages = pages;
    header.limit(CLIENT_FLAGS);
  }

  /** Takes the next bytes of the client; all of them. */
  public void accept(ByteBuffer bytes) throws IOException {
    synchronized (encoder) {
      while (bytes.hasRemaining()) {
        switch (state) {
          case FLAGS, HEADER -> header(bytes);
          case DATA -> data(bytes);
          case OPAQUE -> encoder.opaque(Space.DISK, bytes);
        }
      }
    }
  }

  /** Whether something came that isn't NBD as it is known here, so that the rest goes as bytes. */
  public boolean isOpaque() {
    return state == State.OPAQUE;
  }

  private void header(ByteBuffer bytes) throws IOException {
    int before = header.position();
    int count = Math.min(bytes.remaining(), header.remaining());
    header.put(before, bytes, bytes.position(), count).position(before + count);
    encoder.opaque(Space.DISK, bytes.slice(bytes.position(), count));
    bytes.position(bytes.position() + count);
    if (header.hasRemaining()) {
      return;
    }
    if (state == State.FLAGS) {
      nextHeader();
    } else if (header.limit() == Integer.BYTES) {
      magic(header.getInt(0));
    } else {
      complete();
    }
  }

  private void nextHeader() {
    state = State.HEADER;
    header.clear().limit(Integer.BYTES);
  }

  private void magic(int magic) {
    switch (magic) {
      case OPTION_MAGIC -> header.limit(OPTION);
      case REQUEST_MAGIC -> header.limit(REQUEST);
      case EXTENDED_MAGIC -> header.limit(EXTENDED_REQUEST);
      default -> state = State.OPAQUE;
    }
  }

  private void complete() {
    isWrite = false;
    switch (header.getInt(0)) {
      case OPTION_MAGIC -> left = Integer.toUnsignedLong(header.getInt(12));
      case REQUEST_MAGIC -> {
        isWrite = header.getShort(6) == TYPE_WRITE;
        left = isWrite ? Integer.toUnsignedLong(header.getInt(24)) : 0;
      }
      default -> {
        isWrite = header.getShort(6) == TYPE_WRITE;
        boolean payload = isWrite || (header.getShort(4) & FLAG_PAYLOAD) != 0;
        left = payload ? header.getLong(24) : 0;
      }
    }
    offset = isWrite ? header.getLong(16) : 0;
    if (left < 0 || isWrite && (offset < 0 || offset + left < 0)) {
      state = State.OPAQUE;
    } else if (left > 0) {
      state = State.DATA;
    } else {
      nextHeader();
    }
  }

  private void data(ByteBuffer bytes) throws IOException {
    int inPage = page.position();
    if (inPage > 0 || isPage()) {
      int count = Math.min(bytes.remaining(), page.remaining());
      page.put(inPage, bytes, bytes.position(), count).position(inPage + count);
      bytes.position(bytes.position() + count);
      if (!page.hasRemaining()) {
        encoder.page(Space.DISK, offset / PAGE, 0, page.flip());
        page.clear();
        advance(PAGE);
      }
      return;
    }
    // Up to where a page begins, or to the end of what is no page.
    long apart = isWrite && offset / PAGE < pages ? PAGE - offset % PAGE : left;
    int count = (int) Math.min(Math.min(bytes.remaining(), left), apart);
    encoder.opaque(Space.DISK, bytes.slice(bytes.position(), count));
    bytes.position(bytes.position() + count);
    advance(count);
  }

  private boolean isPage() {
    return isWrite && offset % PAGE == 0 && left >= PAGE && offset / PAGE < pages;
  }

  private void advance(int count) {
    offset += count;
    left -= count;
    if (left == 0) {
      nextHeader();
    }
  }
}
