package org.nephele.server.store;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.operation.Work;

/** Runs a program with a list of arguments (never a shell), and reads what it says. Stateless. */
final class Program {
  private static final int MOST_ERROR = 4096;

  private Program() {}

  /** Reads what a program writes to its standard output. */
  @FunctionalInterface
  interface Output {
    void read(InputStream out) throws IOException, NepheleException;
  }

  /**
   * Waits for the program, which is killed when the operation is cancelled.
   *
   * @throws ProgramFailedException when it can't be started or exits with something else than 0;
   *     the message is what it wrote to its standard error
   */
  static void run(Work work, List<String> command, Output output)
      throws IOException, NepheleException {
    Process process = start(command);
    Work.Registration hook = work.onCancel(process::destroyForcibly);
    try {
      process.getOutputStream().close();
      ErrorText error = new ErrorText(process.getErrorStream());
      try (InputStream out = process.getInputStream()) {
        output.read(out);
      } catch (IOException e) {
        work.checkCancelled();
        throw e;
      }
      int exit = waitFor(process);
      work.checkCancelled();
      if (exit != 0) {
        throw new ProgramFailedException(command.get(0), exit, error.text());
      }
    } finally {
      hook.close();
      process.destroyForcibly();
    }
  }

  static Process start(List<String> command) throws IOException {
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("LC_ALL", "C.UTF-8");
    return builder.start();
  }

  static int waitFor(Process process) throws NepheleException {
    try {
      return process.waitFor();
    } catch (InterruptedException e) {
      throw new NepheleException(ErrorKind.FAILED, "The agent is being stopped.", e);
    }
  }

  /** Drains a program's standard error in a thread, and keeps its beginning. */
  static final class ErrorText {
    private final ByteArrayOutputStream kept = new ByteArrayOutputStream();
    private final Thread thread;

    ErrorText(InputStream in) {
      thread = new Thread(() -> drain(in), "stderr of a program");
      thread.setDaemon(true);
      thread.start();
    }

    private void drain(InputStream in) {
      byte[] bytes = new byte[4096];
      try (in) {
        for (int n = in.read(bytes); n >= 0; n = in.read(bytes)) {
          synchronized (kept) {
            kept.write(bytes, 0, Math.min(n, MOST_ERROR - kept.size()));
          }
        }
      } catch (IOException e) {
        // The program was killed: what it said until then is all there is.
        return;
      }
    }

    /** What the program said, in one line. */
    String text() throws NepheleException {
      try {
        thread.join(1000);
      } catch (InterruptedException e) {
        throw new NepheleException(ErrorKind.FAILED, "The agent is being stopped.", e);
      }
      synchronized (kept) {
        return kept.toString(StandardCharsets.UTF_8).strip().replaceAll("\\s*\\v+\\s*", "; ");
      }
    }
  }

  /** A program did not do what it was asked for. */
  static final class ProgramFailedException extends IOException {
    private static final long serialVersionUID = 1L;

    ProgramFailedException(String program, int exit, String error) {
      super(error.isEmpty() ? program + " failed with exit code " + exit : error);
    }
  }
}
