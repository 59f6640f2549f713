package org.nephele.core.libvirtrpc;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * One packet, whole.
 *
 * @param bytes from the length on; not copied, not to be changed
 */
record LibvirtPacket(byte[] bytes) {
  /** libvirt's own limit is 32 MiB and the length; what a migration says is some 10 KiB. */
  static final int MAX = 4 << 20;

  static final int HEAD = 28;

  static final int PROGRAM_REMOTE = 0x20008086;
  static final int PROGRAM_KEEPALIVE = 0x6b656570;

  /** Of the program; there has never been another. */
  static final int VERSION = 1;

  static final int CALL = 0;
  static final int REPLY = 1;
  static final int MESSAGE = 2;
  static final int CALL_WITH_FDS = 4;
  static final int REPLY_WITH_FDS = 5;

  static final int STATUS_OK = 0;

  private static final int PING = 1;
  private static final int PONG = 2;

  /**
   * The next packet; empty at the end of the stream.
   *
   * @throws IOException when it is no packet, or ends in the middle
   */
  static Optional<LibvirtPacket> read(InputStream in) throws IOException {
    byte[] head = in.readNBytes(HEAD);
    if (head.length == 0) {
      return Optional.empty();
    }
    if (head.length < HEAD) {
      throw new EOFException("libvirt's connection ended in the middle of a packet.");
    }
    int length = ByteBuffer.wrap(head).getInt();
    if (length < HEAD || length > MAX) {
      throw new IOException(
          "A libvirt packet says that it has " + Integer.toUnsignedString(length) + " bytes.");
    }
    // Grows as the bytes come, so that a length alone allocates nothing.
    byte[] rest = in.readNBytes(length - HEAD);
    if (rest.length < length - HEAD) {
      throw new EOFException("libvirt's connection ended in the middle of a packet.");
    }
    byte[] bytes = new byte[length];
    System.arraycopy(head, 0, bytes, 0, HEAD);
    System.arraycopy(rest, 0, bytes, HEAD, rest.length);
    return Optional.of(new LibvirtPacket(bytes));
  }

  int program() {
    return word(4);
  }

  int version() {
    return word(8);
  }

  int procedure() {
    return word(12);
  }

  int type() {
    return word(16);
  }

  int serial() {
    return word(20);
  }

  int status() {
    return word(24);
  }

  boolean isPing() {
    return program() == PROGRAM_KEEPALIVE && procedure() == PING;
  }

  boolean isPong() {
    return program() == PROGRAM_KEEPALIVE && procedure() == PONG;
  }

  /** The answer to a PING. */
  LibvirtPacket pong() {
    ByteBuffer pong = ByteBuffer.allocate(HEAD);
    pong.putInt(HEAD).putInt(PROGRAM_KEEPALIVE).putInt(word(8)).putInt(PONG);
    pong.putInt(MESSAGE).putInt(serial()).putInt(STATUS_OK);
    return new LibvirtPacket(pong.array());
  }

  private int word(int at) {
    return ByteBuffer.wrap(bytes, at, 4).getInt();
  }

  @Override
  public String toString() {
    return String.format(
        "program %x procedure %d type %d serial %d status %d, %d bytes",
        program(), procedure(), type(), serial(), status(), bytes.length);
  }
}
