package org.nephele.client;

import java.io.ByteArrayOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * What the client reads from and writes to.
 *
 * @param columns of the terminal, where one of the two is a terminal
 */
public record Console(
    InputStream in,
    PrintStream out,
    PrintStream err,
    boolean inIsTerminal,
    boolean outIsTerminal,
    boolean errIsTerminal,
    int columns) {

  /**
   * The process's own. The JVM can't tell which of the three are terminals, so the launcher does:
   * {@code -Dnephele.terminals=012} and {@code -Dnephele.columns=80}.
   */
  public static Console ofProcess() {
    String terminals = System.getProperty("nephele.terminals", "");
    int columns = 80;
    try {
      columns = Math.max(40, Integer.parseInt(System.getProperty("nephele.columns", "80")));
    } catch (NumberFormatException e) {
      // The terminal does not know, then 80 it is.
    }
    return new Console(
        System.in,
        stream(FileDescriptor.out),
        stream(FileDescriptor.err),
        terminals.contains("0"),
        terminals.contains("1"),
        terminals.contains("2"),
        columns);
  }

  private static PrintStream stream(FileDescriptor descriptor) {
    return new PrintStream(new FileOutputStream(descriptor), true, StandardCharsets.UTF_8);
  }

  /**
   * Asks on stderr and reads a line.
   *
   * @return empty when there is nobody to ask
   */
  public Optional<String> ask(String question) throws IOException {
    if (!inIsTerminal || !errIsTerminal) {
      return Optional.empty();
    }
    err.print(question);
    err.flush();
    // Byte by byte: a reader would take the answer to the next question too.
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int c = in.read(); c >= 0 && c != '\n' && line.size() < 1000; c = in.read()) {
      line.write(c);
    }
    return Optional.of(line.toString(StandardCharsets.UTF_8));
  }
}
