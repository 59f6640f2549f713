package org.nephele.core.qemu;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.nephele.core.qemu.StreamEvent.Command;
import org.nephele.core.qemu.StreamEvent.Configuration;
import org.nephele.core.qemu.StreamEvent.ConfigurationSubsection;
import org.nephele.core.qemu.StreamEvent.EndOfStream;
import org.nephele.core.qemu.StreamEvent.Footer;
import org.nephele.core.qemu.StreamEvent.Header;
import org.nephele.core.qemu.StreamEvent.OpaqueFromHere;
import org.nephele.core.qemu.StreamEvent.SectionEnd;
import org.nephele.core.qemu.StreamEvent.SectionPart;
import org.nephele.core.qemu.StreamEvent.SectionStart;

/**
 * The states above the RAM records: takes bytes as they come and delivers whole records. The format
 * and the states are drawn in the package's description. Not thread-safe.
 */
final class QemuStreamParser {
  static final int MAGIC = 0x5145564d; // QEVM
  static final int VERSION = 3;
  static final int EOF = 0x00;
  static final int START = 0x01;
  static final int PART = 0x02;
  static final int END = 0x03;
  static final int FULL = 0x04;
  static final int SUBSECTION = 0x05;
  static final int VMDESC = 0x06;
  static final int CONFIGURATION = 0x07;
  static final int COMMAND = 0x08;
  static final int FOOTER = 0x7e;
  static final int RAM_VERSION = 4;
  static final int MAX_MACHINE_TYPE = 1024;
  static final int MAX_CAPABILITIES = 1024;

  /** The longest record that is delivered as a whole, a full block list, with room to spare. */
  static final int MIN_BUFFER = 512 << 10;

  private enum State {
    HEADER,
    ELEMENT,
    RAM_RECORDS,
    PACKAGED,
    OPAQUE
  }

  private final QemuStreamHandler handler;
  private final RamRecords ram;

  private State state = State.HEADER;
  private boolean configurationAllowed = true;
  private boolean subsectionAllowed;
  private boolean started;
  private int ramId;
  private int section;
  private boolean footerAllowed;
  private long packaged;
  private long consumed;

  QemuStreamParser(StreamFeatures features, QemuStreamHandler handler) {
    this.handler = handler;
    this.ram = new RamRecords(features, handler);
  }

  /** Bytes delivered so far. */
  long offset() {
    return consumed;
  }

  /**
   * Delivers every whole record between position and limit and moves the position behind them. What
   * is left is the beginning of a record, less than {@link #MIN_BUFFER}.
   *
   * @param in big-endian
   */
  void parse(ByteBuffer in) throws IOException {
    long base = consumed - in.position();
    try {
      while (in.hasRemaining() && step(in)) {
        consumed = base + in.position();
      }
    } finally {
      consumed = base + in.position();
    }
  }

  /** The sender closed the stream. {@code unparsed} bytes of an unfinished record are left. */
  void end(int unparsed) throws IOException {
    if (state != State.OPAQUE) {
      throw new QemuStreamException(
          consumed,
          unparsed > 0
              ? "it ends inside a record, %d bytes after the record's start".formatted(unparsed)
              : "it ends before the memory is complete");
    }
    handler.event(new EndOfStream());
  }

  /** One record, or as much of the opaque bytes as there is. False when more bytes are needed. */
  private boolean step(ByteBuffer in) throws IOException {
    return switch (state) {
      case HEADER -> header(in);
      case ELEMENT -> element(in);
      case RAM_RECORDS -> ramRecords(in);
      case PACKAGED -> packaged(in);
      case OPAQUE -> opaque(in);
    };
  }

  private boolean header(ByteBuffer in) throws IOException {
    if (in.remaining() < 8) {
      return false;
    }
    int magic = in.getInt(in.position());
    int version = in.getInt(in.position() + 4);
    if (magic != MAGIC) {
      throw damaged("it starts with %08x instead of QEVM".formatted(magic));
    }
    if (version != VERSION) {
      throw damaged("its version is %d instead of 3".formatted(Integer.toUnsignedLong(version)));
    }
    skip(in, 8);
    state = State.ELEMENT;
    handler.event(new Header(version));
    return true;
  }

  private boolean element(ByteBuffer in) throws IOException {
    int type = in.get(in.position()) & 0xff;
    boolean mayConfigure = configurationAllowed;
    boolean maySubsection = subsectionAllowed;
    boolean mayFooter = footerAllowed;
    boolean done =
        switch (type) {
          case CONFIGURATION ->
              mayConfigure ? configuration(in) : opaqueFromHere("a second configuration");
          case SUBSECTION ->
              maySubsection ? subsection(in) : opaqueFromHere("a subsection out of place");
          case START -> start(in);
          case PART, END -> partOrEnd(in, type);
          case FOOTER -> mayFooter ? footer(in) : opaqueFromHere("a footer out of place");
          case COMMAND -> command(in);
          case FULL -> opaqueFromHere("device state before the memory is complete");
          case EOF -> opaqueFromHere("an end mark before the memory is complete");
          default -> opaqueFromHere("an element of unknown type %d".formatted(type));
        };
    if (done) {
      configurationAllowed = false;
      subsectionAllowed = type == CONFIGURATION || (type == SUBSECTION && maySubsection);
      footerAllowed = false;
    }
    return done;
  }

  private boolean configuration(ByteBuffer in) throws IOException {
    int at = in.position();
    if (in.remaining() < 5) {
      return false;
    }
    int length = in.getInt(at + 1);
    if (length < 0 || length > MAX_MACHINE_TYPE) {
      throw damaged(
          "its machine type has %d bytes, more than %d"
              .formatted(Integer.toUnsignedLong(length), MAX_MACHINE_TYPE));
    }
    if (in.remaining() < 5 + length) {
      return false;
    }
    String machineType = text(in, at + 5, length);
    skip(in, 5 + length);
    handler.event(new Configuration(machineType));
    return true;
  }

  private boolean subsection(ByteBuffer in) throws IOException {
    int at = in.position();
    if (in.remaining() < 2) {
      return false;
    }
    int nameLength = in.get(at + 1) & 0xff;
    int fieldsAt = at + 2 + nameLength + 4;
    if (in.limit() < fieldsAt) {
      return false;
    }
    String name = text(in, at + 2, nameLength);
    int version = in.getInt(fieldsAt - 4);
    int length;
    switch (name) {
      case "configuration/target-page-bits" -> {
        if (in.limit() < fieldsAt + 4) {
          return false;
        }
        int bits = in.getInt(fieldsAt);
        if (bits != 12) {
          return opaqueFromHere("pages of 2^%d bytes".formatted(Integer.toUnsignedLong(bits)));
        }
        length = 4;
      }
      case "configuration/capabilities" -> {
        length = capabilitiesLength(in, fieldsAt);
        if (length < 0) {
          return false;
        }
      }
      case "configuration/uuid" -> length = 16;
      default -> {
        return opaqueFromHere("the unknown configuration subsection %s".formatted(name));
      }
    }
    if (in.limit() < fieldsAt + length) {
      return false;
    }
    byte[] fields = bytes(in, fieldsAt, length);
    in.position(fieldsAt + length);
    handler.event(new ConfigurationSubsection(name, version, fields));
    return true;
  }

  /** Bytes of the list of capabilities, or -1 when it isn't all there. */
  private int capabilitiesLength(ByteBuffer in, int fieldsAt) throws IOException {
    if (in.limit() < fieldsAt + 4) {
      return -1;
    }
    int count = in.getInt(fieldsAt);
    if (count < 0 || count > MAX_CAPABILITIES) {
      throw damaged(
          "it lists %d capabilities, more than %d"
              .formatted(Integer.toUnsignedLong(count), MAX_CAPABILITIES));
    }
    int next = fieldsAt + 4;
    for (int i = 0; i < count; i++) {
      if (in.limit() < next + 1) {
        return -1;
      }
      next += 1 + (in.get(next) & 0xff);
    }
    return next - fieldsAt;
  }

  private boolean start(ByteBuffer in) throws IOException {
    int at = in.position();
    if (in.remaining() < 6) {
      return false;
    }
    int nameLength = in.get(at + 5) & 0xff;
    if (in.remaining() < 6 + nameLength + 8) {
      return false;
    }
    int id = in.getInt(at + 1);
    String name = text(in, at + 6, nameLength);
    int instance = in.getInt(at + 6 + nameLength);
    int version = in.getInt(at + 6 + nameLength + 4);
    if (!name.equals("ram")) {
      return opaqueFromHere("a section %s beside ram".formatted(name));
    }
    if (version != RAM_VERSION) {
      return opaqueFromHere("section ram of version %d".formatted(Integer.toUnsignedLong(version)));
    }
    if (started) {
      throw damaged("section ram starts a second time");
    }
    started = true;
    ramId = id;
    skip(in, 6 + nameLength + 8);
    enterRam(id, START);
    handler.event(new SectionStart(id, name, instance, version));
    return true;
  }

  private boolean partOrEnd(ByteBuffer in, int type) throws IOException {
    if (in.remaining() < 5) {
      return false;
    }
    int id = in.getInt(in.position() + 1);
    if (!started || id != ramId) {
      throw damaged(
          "it goes on with section %d, which never started".formatted(Integer.toUnsignedLong(id)));
    }
    skip(in, 5);
    enterRam(id, type);
    handler.event(type == PART ? new SectionPart(id) : new SectionEnd(id));
    return true;
  }

  private void enterRam(int id, int type) {
    section = id;
    ram.enter(type);
    state = State.RAM_RECORDS;
  }

  private boolean ramRecords(ByteBuffer in) throws IOException {
    RamRecords.Outcome outcome = ram.parse(in, consumed - in.position());
    switch (outcome) {
      case NEEDS_MORE -> {
        return false;
      }
      case END_OF_RECORDS -> {
        state = State.ELEMENT;
        footerAllowed = true;
        return true;
      }
      case MEMORY_COMPLETE -> {
        state = State.OPAQUE;
        handler.event(new OpaqueFromHere(true, "the memory is complete"));
        return true;
      }
      case UNKNOWN -> {
        return opaqueFromHere(ram.unknown());
      }
    }
    throw new AssertionError(outcome);
  }

  private boolean footer(ByteBuffer in) throws IOException {
    if (in.remaining() < 5) {
      return false;
    }
    int id = in.getInt(in.position() + 1);
    if (id != section) {
      throw damaged(
          "section %d has the footer of section %d"
              .formatted(Integer.toUnsignedLong(section), Integer.toUnsignedLong(id)));
    }
    skip(in, 5);
    handler.event(new Footer(id));
    return true;
  }

  private boolean command(ByteBuffer in) throws IOException {
    int at = in.position();
    if (in.remaining() < 5) {
      return false;
    }
    int command = in.getShort(at + 1) & 0xffff;
    int length = in.getShort(at + 3) & 0xffff;
    // A command that carries bytes behind its body, as PACKAGED does, can't be told from its frame.
    if (command < Command.OPEN_RETURN_PATH
        || command > Command.SWITCHOVER_START
        || command == Command.ENABLE_COLO) {
      return opaqueFromHere("command %d".formatted(command));
    }
    if (command == Command.PACKAGED && length != 4) {
      throw damaged("its package has a body of %d bytes instead of 4".formatted(length));
    }
    if (in.remaining() < 5 + length) {
      return false;
    }
    if (command == Command.POSTCOPY_ADVISE && length == 16) {
      ram.advisedPageSizes(in.getLong(at + 5));
    }
    if (command == Command.PACKAGED) {
      packaged = Integer.toUnsignedLong(in.getInt(at + 5));
      state = packaged > 0 ? State.PACKAGED : State.ELEMENT;
    }
    byte[] body = bytes(in, at + 5, length);
    skip(in, 5 + length);
    handler.event(new Command(command, body));
    return true;
  }

  private boolean packaged(ByteBuffer in) throws IOException {
    int count = (int) Math.min(packaged, in.remaining());
    packaged -= count;
    if (packaged == 0) {
      state = State.ELEMENT;
    }
    deliverOpaque(in, count);
    return true;
  }

  private boolean opaque(ByteBuffer in) throws IOException {
    deliverOpaque(in, in.remaining());
    return true;
  }

  private void deliverOpaque(ByteBuffer in, int count) throws IOException {
    ByteBuffer bytes = in.slice(in.position(), count);
    skip(in, count);
    handler.opaque(bytes);
  }

  /** The bytes of this record, too, are opaque: the position stays. */
  private boolean opaqueFromHere(String reason) throws IOException {
    state = State.OPAQUE;
    handler.event(new OpaqueFromHere(false, reason + " at byte " + consumed));
    return true;
  }

  private QemuStreamException damaged(String what) {
    return new QemuStreamException(consumed, what);
  }

  private static void skip(ByteBuffer in, int count) {
    in.position(in.position() + count);
  }

  static byte[] bytes(ByteBuffer in, int at, int count) {
    byte[] bytes = new byte[count];
    in.get(at, bytes);
    return bytes;
  }

  static String text(ByteBuffer in, int at, int count) {
    return new String(bytes(in, at, count), StandardCharsets.ISO_8859_1);
  }
}
