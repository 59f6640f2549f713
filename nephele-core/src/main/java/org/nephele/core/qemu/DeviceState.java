package org.nephele.core.qemu;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.nephele.core.qemu.StreamEvent.Footer;
import org.nephele.core.qemu.StreamEvent.OpaqueFromHere;
import org.nephele.core.qemu.StreamEvent.RamBlocks;
import org.nephele.core.qemu.StreamEvent.SectionStart;

/**
 * Everything of a captured stream but the content of pages: what stands before and after the pages,
 * word for word, and which pages have content at all. Immutable.
 *
 * <p>As a file, big-endian, {@code device.state} of an image or a snapshot:
 *
 * <pre>
 * "NEPHELE-DEVICES"  15 bytes
 * u8   format version, 0
 * u8   1: the blocks have guest addresses (x-ignore-shared), 2: COMMAND 11 precedes the ram END
 * u32  length, then the stream from its header to the end of the section with the block list
 * u32  length, then the stream after the last record of the ram END
 * u64  pages, then one bit a page in words of 64, the lowest bit first: set when it has content
 * </pre>
 */
public final class DeviceState {
  private static final byte[] MAGIC = "NEPHELE-DEVICES".getBytes(StandardCharsets.US_ASCII);
  private static final int VERSION = 0;
  private static final int FLAG_IGNORE_SHARED = 1;
  private static final int FLAG_SWITCHOVER_START = 2;

  /** The longest device state that is accepted, bytes; 250 KiB are usual. */
  public static final int MOST_DEVICES = 32 << 20;

  private final boolean ignoreShared;
  private final byte[] prefix;
  private final boolean switchoverStart;
  private final byte[] devices;
  private final PageMap map;
  private final RamLayout layout;
  private final int ramId;
  private final boolean footers;

  DeviceState(
      boolean ignoreShared, byte[] prefix, boolean switchoverStart, byte[] devices, PageMap map)
      throws IOException {
    this.ignoreShared = ignoreShared;
    this.prefix = prefix;
    this.switchoverStart = switchoverStart;
    this.devices = devices;
    this.map = map;
    Prefix parsed = new Prefix();
    QemuStreamParser parser = new QemuStreamParser(new StreamFeatures(false, ignoreShared), parsed);
    parser.parse(ByteBuffer.wrap(prefix));
    if (parsed.strange || parsed.layout == null || parser.offset() != prefix.length) {
      throw new QemuStreamException(parser.offset(), "its block list is not complete");
    }
    this.layout = parsed.layout;
    this.ramId = parsed.ramId;
    this.footers = parsed.footers;
    if (map.pages() != layout.pages()) {
      throw damaged("it lists %d pages of %d".formatted(map.pages(), layout.pages()));
    }
  }

  /** The RAM blocks, in the order in which the memory file holds them. */
  public RamLayout layout() {
    return layout;
  }

  PageMap map() {
    return map;
  }

  byte[] prefix() {
    return prefix;
  }

  byte[] devices() {
    return devices;
  }

  boolean switchoverStart() {
    return switchoverStart;
  }

  int ramId() {
    return ramId;
  }

  /** Whether sections of this machine type end with a footer. */
  boolean footers() {
    return footers;
  }

  /** The content of the file. */
  public byte[] toBytes() {
    long size =
        MAGIC.length
            + 2
            + 4L
            + prefix.length
            + 4L
            + devices.length
            + 8
            + PageMap.encodedBytes(map.pages());
    ByteBuffer out = ByteBuffer.allocate(Math.toIntExact(size));
    int flags =
        (ignoreShared ? FLAG_IGNORE_SHARED : 0) | (switchoverStart ? FLAG_SWITCHOVER_START : 0);
    out.put(MAGIC).put((byte) VERSION).put((byte) flags);
    out.putInt(prefix.length).put(prefix).putInt(devices.length).put(devices);
    out.putLong(map.pages());
    map.writeTo(out);
    return out.array();
  }

  /**
   * Reads the content of the file, which may come from anywhere.
   *
   * @throws IOException if it is no such file or contradicts itself
   */
  public static DeviceState parse(byte[] file) throws IOException {
    ByteBuffer in = ByteBuffer.wrap(file);
    if (in.remaining() < MAGIC.length + 2
        || !in.slice(0, MAGIC.length).equals(ByteBuffer.wrap(MAGIC))) {
      throw damaged("it does not start like one");
    }
    in.position(MAGIC.length);
    int version = in.get() & 0xff;
    if (version != VERSION) {
      throw new IOException(
          "Device state of format version %d can't be read, only of version %d"
              .formatted(version, VERSION));
    }
    int flags = in.get() & 0xff;
    if ((flags & ~(FLAG_IGNORE_SHARED | FLAG_SWITCHOVER_START)) != 0) {
      throw damaged("it has unknown flags");
    }
    byte[] prefix = part(in, QemuStreamParser.MIN_BUFFER);
    byte[] devices = part(in, MOST_DEVICES);
    if (in.remaining() < 8) {
      throw damaged("it ends early");
    }
    long pages = in.getLong();
    if (pages < 0
        || pages > RamLayout.MAX_BYTES / RamBlock.PAGE_SIZE
        || in.remaining() != PageMap.encodedBytes(pages)) {
      throw damaged("its list of pages has the wrong length");
    }
    if (!endsWithDescription(devices)) {
      throw damaged("it lacks the end of the devices");
    }
    return new DeviceState(
        (flags & FLAG_IGNORE_SHARED) != 0,
        prefix,
        (flags & FLAG_SWITCHOVER_START) != 0,
        devices,
        PageMap.readFrom(in, pages));
  }

  private static byte[] part(ByteBuffer in, int most) throws IOException {
    if (in.remaining() < 4) {
      throw damaged("it ends early");
    }
    int length = in.getInt();
    if (length < 0 || length > most || length > in.remaining()) {
      throw damaged("a length in it is wrong");
    }
    byte[] part = new byte[length];
    in.get(part);
    return part;
  }

  private static IOException damaged(String what) {
    return new IOException("The device state is damaged: " + what);
  }

  /**
   * Whether device state ends as QEMU ends it: the end mark, then VMDESC with a JSON text that
   * reaches exactly to the end. So a stream that was cut short is not mistaken for a whole one.
   */
  static boolean endsWithDescription(byte[] devices) {
    ByteBuffer in = ByteBuffer.wrap(devices);
    for (int at = devices.length - 7; at > 0; at--) {
      if (devices[at] == QemuStreamParser.VMDESC
          && devices[at - 1] == QemuStreamParser.EOF
          && in.getInt(at + 1) == devices.length - at - 5
          && devices[at + 5] == '{') {
        return devices[devices.length - 1] == '}';
      }
    }
    return false;
  }

  /** What restoring needs to know of the prefix. */
  private static final class Prefix implements QemuStreamHandler {
    private RamLayout layout;
    private int ramId;
    private boolean footers;
    private boolean strange;

    @Override
    public void event(StreamEvent event) {
      if (event instanceof SectionStart start) {
        ramId = start.id();
      } else if (event instanceof RamBlocks blocks) {
        layout = blocks.layout();
      } else if (event instanceof Footer) {
        footers = true;
      } else if (event instanceof OpaqueFromHere
          || event instanceof StreamEvent.SectionPart
          || event instanceof StreamEvent.SectionEnd
          || event instanceof StreamEvent.Command) {
        strange = true;
      }
    }

    @Override
    public void zeroPage(RamBlock block, long offset, boolean continued, byte fill) {
      strange = true;
    }

    @Override
    public void page(RamBlock block, long offset, boolean continued, ByteBuffer page) {
      strange = true;
    }

    @Override
    public void opaque(ByteBuffer bytes) {
      strange = true;
    }
  }
}
