package org.nephele.client;

import java.util.Locale;

/** Makes what a node said safe to show. */
public final class Text {
  private Text() {}

  /**
   * The text with everything escaped that a terminal might act on or that could make one thing look
   * like another: control and format characters (bidirectional overrides are among them), line and
   * paragraph separators, lone surrogates, characters that nobody has defined. A newline is {@code
   * \n}, the rest is {@code \x1b} or <code>&#92;u202e</code>.
   */
  public static String clean(String text) {
    StringBuilder clean = null;
    int i = 0;
    while (i < text.length()) {
      int c = text.codePointAt(i);
      if (isSafe(c)) {
        if (clean != null) {
          clean.appendCodePoint(c);
        }
      } else {
        if (clean == null) {
          clean = new StringBuilder(text.length() + 16).append(text, 0, i);
        }
        clean.append(escape(c));
      }
      i += Character.charCount(c);
    }
    return clean == null ? text : clean.toString();
  }

  private static boolean isSafe(int c) {
    if (c >= ' ' && c < 0x7f) {
      return true;
    }
    switch (Character.getType(c)) {
      case Character.CONTROL:
      case Character.FORMAT:
      case Character.LINE_SEPARATOR:
      case Character.PARAGRAPH_SEPARATOR:
      case Character.SURROGATE:
      case Character.PRIVATE_USE:
      case Character.UNASSIGNED:
        return false;
      default:
        return true;
    }
  }

  private static String escape(int c) {
    if (c == '\n') {
      return "\\n";
    }
    if (c == '\t') {
      return "\\t";
    }
    return String.format(Locale.ROOT, c < 0x100 ? "\\x%02x" : "\\u%04x", c);
  }

  /** At most that many characters, the last of them … where something was left out. */
  public static String cut(String text, int width) {
    if (text.codePointCount(0, text.length()) <= width) {
      return text;
    }
    return width < 1 ? "" : text.substring(0, text.offsetByCodePoints(0, width - 1)) + "…";
  }

  /** A sentence of a node: line breaks stay, everything else is {@link #clean}. */
  public static String cleanLines(String text) {
    return String.join("\n", text.lines().map(Text::clean).toList());
  }

  /** Bytes as people say them: {@code 512 B}, {@code 12.6 MB}. */
  public static String bytes(long bytes) {
    if (bytes < 1000) {
      return bytes + " B";
    }
    double value = bytes;
    int unit = -1;
    while (value >= 999.95 && unit < 4) {
      value /= 1000;
      unit++;
    }
    long tenths = Math.round(value * 10);
    return tenths / 10 + "." + tenths % 10 + " " + "kMGTP".charAt(unit) + "B";
  }
}
