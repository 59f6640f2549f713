package org.nephele.server.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConsoleWatchTest {
  @TempDir Path folder;

  private ConsoleWatch watch(String expression) {
    return new ConsoleWatch(folder.resolve("console.log"), Pattern.compile(expression));
  }

  private void append(String text) throws Exception {
    Files.writeString(
        folder.resolve("console.log"), text, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
  }

  private static boolean found(ConsoleWatch watch) throws Exception {
    do {
      if (watch.found()) {
        return true;
      }
    } while (watch.more());
    return false;
  }

  @Test
  void aChattyGuestDoesNotKeepItReading() throws Exception {
    append("x\n".repeat(100_000) + "needle\n");
    try (ConsoleWatch watch = watch("needle")) {
      assertThat(watch.found()).isFalse();
      assertThat(watch.more()).isTrue();
      assertThat(found(watch)).isTrue();
      assertThat(found(watch)).isFalse();
      assertThat(watch.more()).isFalse();
    }
  }

  @Test
  void findsAnExpressionInALine() throws Exception {
    try (ConsoleWatch watch = watch("^ready$")) {
      assertThat(found(watch)).isFalse();
      append("booting\r\nnot ready\r\n");
      assertThat(found(watch)).isFalse();
      append("rea");
      assertThat(found(watch)).isFalse();
      append("dy\r\nmore");
      assertThat(found(watch)).isTrue();
    }
  }

  @Test
  void aPromptIsALineThatDoesNotEnd() throws Exception {
    try (ConsoleWatch watch = watch("login: $")) {
      append("\nDebian GNU/Linux 12 wolke ttyS0\n\nwolke login: ");
      assertThat(found(watch)).isTrue();
    }
  }

  @Test
  void readsUtf8ThatArrivesInPieces() throws Exception {
    byte[] bytes = "für Größe\n".getBytes("UTF-8");
    try (ConsoleWatch watch = watch("für Größe")) {
      for (byte b : bytes) {
        assertThat(found(watch)).isFalse();
        Files.write(
            folder.resolve("console.log"),
            new byte[] {b},
            StandardOpenOption.CREATE,
            StandardOpenOption.APPEND);
        if (b == bytes[bytes.length - 2]) {
          break;
        }
      }
      assertThat(found(watch)).isTrue();
    }
  }

  @Test
  void goesOnInANewFileWhenTheLogIsRotated() throws Exception {
    try (ConsoleWatch watch = watch("^late$")) {
      append("early\n");
      assertThat(found(watch)).isFalse();
      append("still the old one\n");
      Files.move(folder.resolve("console.log"), folder.resolve("console.log.0"));
      append("late\n");
      assertThat(found(watch)).isTrue();
    }
  }

  @Test
  void longLinesCostNoMemory() throws Exception {
    try (ConsoleWatch watch = watch("needle")) {
      append("x".repeat(ConsoleWatch.MOST_LINE) + "needle\n");
      assertThat(found(watch)).isFalse();
      append("needle\n");
      assertThat(found(watch)).isTrue();
    }
  }

  @Test
  void anExpressionThatExplodesIsStopped() throws Exception {
    append("a".repeat(2000) + "b\n");
    try (ConsoleWatch watch = watch("(a|aa)+$")) {
      assertThatThrownBy(() -> found(watch)).isInstanceOf(ConsoleWatch.TooCostlyException.class);
    }
  }
}
