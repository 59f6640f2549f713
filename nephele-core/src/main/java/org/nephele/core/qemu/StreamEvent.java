package org.nephele.core.qemu;

/**
 * Everything in the stream but plain pages, which are too many for an object each. Events are
 * self-contained: they may be kept.
 */
public sealed interface StreamEvent {

  /** The magic number and the version, always 3. */
  record Header(int version) implements StreamEvent {}

  /** The machine type the guest runs on, such as {@code pc-q35-7.2}. Latin-1. */
  record Configuration(String machineType) implements StreamEvent {}

  /** An optional part of the configuration. */
  record ConfigurationSubsection(String name, int version, byte[] fields) implements StreamEvent {}

  /** The start of {@code ram}; its block list comes next. Ids are unsigned. */
  record SectionStart(int id, String name, int instance, int version) implements StreamEvent {}

  /** One iteration over the dirty pages begins. */
  record SectionPart(int id) implements StreamEvent {}

  /** The last pages; the guest stands still at the source by now. */
  record SectionEnd(int id) implements StreamEvent {}

  /** The blocks that all later page records refer to. */
  record RamBlocks(RamLayout layout) implements StreamEvent {}

  /**
   * A page as a delta against what the receiver already has of it.
   *
   * @param offset bytes from the start of the block
   * @param continued whether the record leaves the block's name out
   * @param encoding always 1
   */
  record XbzrlePage(RamBlock block, long offset, boolean continued, int encoding, byte[] delta)
      implements StreamEvent {}

  /** No more records in this section. */
  record EndOfRecords() implements StreamEvent {}

  /** The end of a section, with its id once more. */
  record Footer(int id) implements StreamEvent {}

  /**
   * A message to the receiving QEMU. After {@link #PACKAGED}, {@link
   * QemuStreamHandler#opaque(java.nio.ByteBuffer)} gets as many bytes as its body says.
   */
  record Command(int command, byte[] body) implements StreamEvent {
    public static final int OPEN_RETURN_PATH = 1;
    public static final int PING = 2;
    public static final int POSTCOPY_ADVISE = 3;
    public static final int POSTCOPY_LISTEN = 4;
    public static final int POSTCOPY_RUN = 5;
    public static final int POSTCOPY_RAM_DISCARD = 6;
    public static final int PACKAGED = 7;
    public static final int ENABLE_COLO = 8;
    public static final int SWITCHOVER_START = 11;
  }

  /**
   * From here on everything is opaque. Stands for no bytes.
   *
   * @param ramComplete true after the last page, the ordinary case: device state follows. False
   *     when something came that the parser doesn't know
   * @param reason why, as a part of a sentence
   */
  record OpaqueFromHere(boolean ramComplete, String reason) implements StreamEvent {}

  /** The sender closed the stream. Stands for no bytes. */
  record EndOfStream() implements StreamEvent {}
}
