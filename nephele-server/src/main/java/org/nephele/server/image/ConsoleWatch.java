package org.nephele.server.image;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.regex.Pattern;

/**
 * Looks for a regular expression in the lines of a serial console's log, while it is written. The
 * unfinished last line counts: prompts are never finished. For one thread.
 */
final class ConsoleWatch implements AutoCloseable {
  /** What a line has more of is not looked at. */
  static final int MOST_LINE = 4096;

  /** An expression that needs longer for one line never ends, for all practical purposes. */
  private static final long MOST_NANOS = 1_000_000_000;

  private final Path file;
  private final Pattern pattern;
  private final StringBuilder line = new StringBuilder();
  private final ByteBuffer bytes = ByteBuffer.allocate(1 << 16).limit(0);
  private boolean more;
  private FileChannel channel;
  private Object key;

  /**
   * @param file may not exist yet, and may be rotated (virtlogd begins a new one every 2 MiB)
   */
  ConsoleWatch(Path file, Pattern pattern) {
    this.file = file;
    this.pattern = pattern;
  }

  /** The expression took too long, or more stack than there is. */
  static final class TooCostlyException extends Exception {
    private static final long serialVersionUID = 1L;
  }

  /**
   * Reads some of what is new, and says whether the expression was found in it. Does not wait, and
   * returns after about two seconds however much the guest writes; see {@link #more}.
   */
  boolean found() throws IOException, TooCostlyException {
    more = false;
    if (channel == null && !open()) {
      return false;
    }
    if (!bytes.hasRemaining()) {
      int n = channel.read(bytes.clear());
      bytes.flip();
      if (n <= 0) {
        if (rotated()) {
          channel.close();
          channel = null;
          more = true;
        }
        return false;
      }
    }
    more = true;
    return take();
  }

  /** Whether there may be more to read at once. */
  boolean more() {
    return more;
  }

  private boolean open() throws IOException {
    if (!Files.isRegularFile(file)) {
      return false;
    }
    channel = FileChannel.open(file, StandardOpenOption.READ);
    key = fileKey();
    return true;
  }

  private boolean rotated() throws IOException {
    return Files.isRegularFile(file) && !fileKey().equals(key);
  }

  private Object fileKey() throws IOException {
    return Files.getAttribute(file, "unix:ino");
  }

  private boolean take() throws TooCostlyException {
    long end = System.nanoTime() + MOST_NANOS;
    // Bytes as Latin-1, put together as UTF-8 line by line: a read may end within a character.
    while (bytes.hasRemaining()) {
      char c = (char) (bytes.get() & 0xff);
      if (c == '\n' || c == '\r') {
        if (matches()) {
          return true;
        }
        line.setLength(0);
        if (System.nanoTime() > end) {
          return false;
        }
      } else if (line.length() < MOST_LINE) {
        line.append(c);
      }
    }
    return matches();
  }

  private boolean matches() throws TooCostlyException {
    if (line.length() == 0) {
      return false;
    }
    byte[] latin1 = line.toString().getBytes(StandardCharsets.ISO_8859_1);
    String text = new String(latin1, StandardCharsets.UTF_8);
    try {
      return pattern.matcher(new Impatient(text, System.nanoTime() + MOST_NANOS)).find();
    } catch (Impatient.Expired | StackOverflowError e) {
      throw new TooCostlyException();
    }
  }

  @Override
  public void close() throws IOException {
    if (channel != null) {
      channel.close();
    }
  }

  /** Text that can be read until a certain time: the one way to stop a regular expression. */
  private record Impatient(String text, long end) implements CharSequence {
    static final class Expired extends RuntimeException {
      private static final long serialVersionUID = 1L;
    }

    @Override
    public char charAt(int index) {
      if (System.nanoTime() > end) {
        throw new Expired();
      }
      return text.charAt(index);
    }

    @Override
    public int length() {
      return text.length();
    }

    @Override
    public CharSequence subSequence(int from, int to) {
      return text.subSequence(from, to);
    }

    @Override
    public String toString() {
      return text;
    }
  }
}
