package org.nephele.core.format;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.regex.Pattern;

/**
 * What a file holds.
 *
 * @param bytes its length
 * @param sha256 of all of it, 64 hex digits in lower case
 */
public record Content(long bytes, String sha256) {
  private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

  static MessageDigest digest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  static Content of(long bytes, MessageDigest digest) {
    return new Content(bytes, HexFormat.of().formatHex(digest.digest()));
  }

  /**
   * One hash over several contents, in that order: SHA-256 of their SHA-256s, so that the files can
   * be hashed side by side.
   */
  static String joined(Content... contents) {
    MessageDigest digest = digest();
    for (Content content : contents) {
      digest.update(HexFormat.of().parseHex(content.sha256));
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  /** Whether a text is a SHA-256 as we write them. */
  static boolean isSha256(String text) {
    return text != null && SHA256.matcher(text).matches();
  }

  /** Refuses nonsense that came from outside. */
  static void check(String what, Content content, long most) throws FormatException {
    if (content == null || content.bytes < 1 || content.bytes > most) {
      throw new FormatException("its manifest gives no size that " + what + " can have");
    }
    if (!isSha256(content.sha256)) {
      throw new FormatException("its manifest gives no SHA-256 of " + what);
    }
  }
}
