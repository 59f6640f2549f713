package org.nephele.testbed;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The {@code ./testbed} script of this source tree. */
public final class Testbed {
  private static final Path ROOT = findRoot();

  private Testbed() {}

  /** The folder that holds the {@code testbed} script: the current one, or one above it. */
  private static Path findRoot() {
    Path folder = Path.of("").toAbsolutePath();
    while (folder != null && !Files.exists(folder.resolve("testbed"))) {
      folder = folder.getParent();
    }
    if (folder == null) {
      throw new IllegalStateException(
          "Run this inside the source tree: there is no ./testbed here or above.");
    }
    return folder;
  }

  public static Path root() {
    return ROOT;
  }

  public static String script() {
    return ROOT.resolve("testbed").toString();
  }

  /** Starts the nodes (those that are missing) and puts the built agent and client on them. */
  public static void up(int nodes, String suites) {
    run(Duration.ofMinutes(15), "up", Integer.toString(nodes), "--suite", suites).ok();
    run(Duration.ofMinutes(3), "deploy").ok();
  }

  public static void down() {
    run(Duration.ofMinutes(2), "down").ok();
  }

  public static Shell.Output run(Duration timeout, String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(script());
    command.addAll(Arrays.asList(arguments));
    return Shell.run(timeout, command.toArray(String[]::new));
  }

  /** The path of a guest's bootable disk image on this machine, made when it is missing. */
  public static Path guest(String name) {
    return Path.of(run(Duration.ofMinutes(15), "guest", name).ok());
  }
}
