package org.nephele.testbed;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A running test node, or the laptop. */
public record Node(String name) {
  /** Runs a program on it, as root. */
  public Shell.Output exec(String... command) {
    return exec(Duration.ofMinutes(2), command);
  }

  public Shell.Output exec(Duration timeout, String... command) {
    return Shell.run(timeout, command(command));
  }

  /** The words that run this program there, for {@link Shell#start}. */
  public String[] command(String... command) {
    List<String> words = new ArrayList<>(List.of(Testbed.script(), "exec", name));
    words.addAll(Arrays.asList(command));
    return words.toArray(String[]::new);
  }

  /** Runs a line of shell there. */
  public Shell.Output sh(String line) {
    return exec("sh", "-c", line);
  }
}
