package org.nephele.core.mux;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;

/**
 * The head of a frame; see the package's description for the layout.
 *
 * @param stream 0 for the session itself
 * @param length of the payload, in bytes, at most {@link #MAX_PAYLOAD}
 */
record Frame(Type type, int stream, int length) {
  static final int MAX_PAYLOAD = 256 << 10;
  static final int HEAD = 8;

  /** In the order of their numbers on the wire. */
  enum Type {
    HELLO,
    CONTROL,
    OPEN,
    DATA,
    END,
    RESET,
    CREDIT,
    ALIVE,
    BYE;

    private static final Type[] ALL = values();

    boolean ofSession() {
      return this == HELLO || this == CONTROL || this == ALIVE || this == BYE;
    }
  }

  /**
   * Reads a head and checks it.
   *
   * @throws ProtocolException when it is none; nothing was allocated for it
   */
  static Frame read(DataInputStream in) throws IOException {
    int type = in.readUnsignedByte();
    int zero = in.readUnsignedByte();
    int stream = in.readUnsignedShort();
    int length = in.readInt();
    if (type >= Type.ALL.length || zero != 0) {
      throw new ProtocolException("a frame of the unknown type " + type + "/" + zero);
    }
    Frame frame = new Frame(Type.ALL[type], stream, length);
    if (length < 0 || length > MAX_PAYLOAD) {
      throw new ProtocolException(
          "a " + frame.type + " frame of " + Integer.toUnsignedString(length) + " bytes");
    }
    if (frame.type.ofSession() != (stream == 0)) {
      throw new ProtocolException("a " + frame.type + " frame on stream " + stream);
    }
    boolean fits =
        switch (frame.type) {
          case DATA, HELLO, CONTROL, OPEN -> length > 0;
          case END, ALIVE -> length == 0;
          case CREDIT -> length == 4;
          case RESET, BYE -> true;
        };
    if (!fits) {
      throw new ProtocolException("a " + frame.type + " frame of " + length + " bytes");
    }
    return frame;
  }

  /** Writes head and payload; does not flush. */
  static void write(OutputStream out, Type type, int stream, byte[] payload, int offset, int length)
      throws IOException {
    byte[] head = {
      (byte) type.ordinal(),
      0,
      (byte) (stream >> 8),
      (byte) stream,
      (byte) (length >> 24),
      (byte) (length >> 16),
      (byte) (length >> 8),
      (byte) length
    };
    out.write(head, 0, HEAD);
    out.write(payload, offset, length);
  }
}
