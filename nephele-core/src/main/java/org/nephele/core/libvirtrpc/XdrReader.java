package org.nephele.core.libvirtrpc;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * Reads a packet's payload (XDR, RFC 4506). Every length is checked against its limit and against
 * what is there before anything is allocated. Not thread-safe.
 */
final class XdrReader {
  private final ByteBuffer in;

  XdrReader(byte[] bytes, int offset) {
    this.in = ByteBuffer.wrap(bytes, offset, bytes.length - offset).slice();
  }

  int word() throws IOException {
    need(4);
    return in.getInt();
  }

  long hyper() throws IOException {
    need(8);
    return in.getLong();
  }

  /** A length or a number of elements. */
  int count(int most) throws IOException {
    int count = word();
    if (count < 0 || count > most) {
      throw malformed("a length of " + Integer.toUnsignedString(count));
    }
    return count;
  }

  byte[] opaque(int most) throws IOException {
    int length = count(most);
    int padding = -length & 3;
    need(length + padding);
    byte[] bytes = new byte[length];
    in.get(bytes);
    for (int i = 0; i < padding; i++) {
      if (in.get() != 0) {
        throw malformed("padding that is not zero");
      }
    }
    return bytes;
  }

  /** UTF-8. Without NUL, at which libvirt, but not Java, would take the text to end. */
  String text(int mostBytes) throws IOException {
    return decode(opaque(mostBytes));
  }

  /** As in {@link #text}, of bytes that are there already. */
  static String decode(byte[] bytes) throws IOException {
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      if (text.indexOf(0) >= 0) {
        throw malformed("a NUL in a text");
      }
      return text;
    } catch (CharacterCodingException e) {
      throw malformed("a text that is not UTF-8");
    }
  }

  boolean bool() throws IOException {
    int word = word();
    if (word != 0 && word != 1) {
      throw malformed("a boolean of " + word);
    }
    return word == 1;
  }

  /** That there is nothing more. */
  void end() throws IOException {
    if (in.hasRemaining()) {
      throw malformed(in.remaining() + " bytes too many");
    }
  }

  private void need(int bytes) throws IOException {
    if (in.remaining() < bytes) {
      throw malformed("too few bytes");
    }
  }

  static IOException malformed(String what) {
    return new RefusedCallException("libvirt's call can't be read: it has " + what + ".");
  }
}
