package org.nephele.core.qemu;

import java.io.IOException;

/** A migration stream that contradicts itself or ends too early. The message is one sentence. */
public final class QemuStreamException extends IOException {
  private static final long serialVersionUID = 1L;

  private final long offset;

  QemuStreamException(long offset, String what) {
    super("The QEMU migration stream is damaged at byte " + offset + ": " + what + ".");
    this.offset = offset;
  }

  /** Where the record that is wrong begins, in bytes from the start of the stream. */
  public long offset() {
    return offset;
  }
}
