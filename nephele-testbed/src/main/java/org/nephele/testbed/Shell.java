package org.nephele.testbed;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/** Runs programs of this machine, without a shell in between. */
public final class Shell {
  private Shell() {}

  /**
   * What a program printed, and how it ended.
   *
   * @param exit 128 + the signal where a signal ended it
   */
  public record Output(List<String> command, int exit, String out, String err) {
    /** The standard output of a program that has to succeed, without its last newline. */
    public String ok() {
      if (exit != 0) {
        throw new AssertionError(
            command + " ended with " + exit + "\n--- stdout\n" + out + "\n--- stderr\n" + err);
      }
      return out.stripTrailing();
    }
  }

  /**
   * Runs a program to its end. Standard input is empty. One that takes longer than the timeout is
   * killed, and that is an error.
   */
  public static Output run(Duration timeout, String... command) {
    return finish(start(command), timeout, command);
  }

  /** Starts a program, both outputs piped. */
  public static Process start(String... command) {
    try {
      Process process = new ProcessBuilder(command).start();
      process.getOutputStream().close();
      return process;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Waits for a started program, and collects what it printed. */
  public static Output finish(Process process, Duration timeout, String... command) {
    AtomicReference<String> err = new AtomicReference<>("");
    AtomicReference<String> out = new AtomicReference<>("");
    Thread errReader = read(process.getErrorStream(), err);
    Thread outReader = read(process.getInputStream(), out);
    try {
      if (!process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        throw new AssertionError(
            List.of(command) + " took longer than " + timeout + "\n--- stdout\n" + out + err);
      }
      outReader.join(5000);
      errReader.join(5000);
      return new Output(List.of(command), process.exitValue(), out.get(), err.get());
    } catch (InterruptedException e) {
      process.destroyForcibly();
      throw new IllegalStateException(e);
    }
  }

  private static Thread read(InputStream stream, AtomicReference<String> into) {
    Thread thread =
        new Thread(
            () -> {
              try {
                into.set(new String(stream.readAllBytes(), StandardCharsets.UTF_8));
              } catch (IOException e) {
                into.set("(can't be read: " + e + ")");
              }
            });
    thread.setDaemon(true);
    thread.start();
    return thread;
  }
}
