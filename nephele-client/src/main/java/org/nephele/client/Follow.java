package org.nephele.client;

import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;

/**
 * Follows an operation to its end and shows on stderr what it does: on a terminal one line that is
 * rewritten, elsewhere a line when the phase changes. When the client is interrupted, it says that
 * the operation goes on and how to come back to it.
 */
public final class Follow {
  private final Invocation invocation;
  private final AgentConnection agent;
  private final String operation;
  private String phase = "";
  private int shown;
  private boolean over;

  private Follow(Invocation invocation, AgentConnection agent, String operation) {
    this.invocation = invocation;
    this.agent = agent;
    this.operation = operation;
  }

  /**
   * @return the operation's result
   * @throws NepheleException why it failed or who cancelled it; or UNREACHABLE when it can't be
   *     watched any more
   */
  public static <T> T toEnd(
      Invocation invocation, AgentConnection agent, String operation, Class<T> result)
      throws NepheleException {
    Api.Operation end = watch(invocation, agent, operation);
    return agent.decode(end.result(), result);
  }

  /** As {@link #toEnd}, whatever the result is. */
  public static Api.Operation watch(Invocation invocation, AgentConnection agent, String operation)
      throws NepheleException {
    return new Follow(invocation, agent, operation).run();
  }

  private Api.Operation run() throws NepheleException {
    Thread goodbye = new Thread(this::interrupted);
    Runtime.getRuntime().addShutdownHook(goodbye);
    try {
      Api.Operation end = agent.watch(operation, this::show);
      if (end.state().equals("done")) {
        return end;
      }
      if (end.error() == null) {
        throw new NepheleException(
            end.state().equals("cancelled") ? ErrorKind.CANCELLED : ErrorKind.FAILED,
            "operation " + operation + " on " + agent.node() + " was " + end.state());
      }
      throw new NepheleException(ErrorKind.ofRpcCode(end.error().code()), end.error().message());
    } catch (NepheleException e) {
      if (e.kind() == ErrorKind.UNREACHABLE && e.getCause() != null) {
        throw new NepheleException(
            e.kind(), e.getMessage() + "\n" + comeBack("goes on there"), e.getCause());
      }
      throw e;
    } finally {
      finish();
      try {
        Runtime.getRuntime().removeShutdownHook(goodbye);
      } catch (IllegalStateException e) {
        // Shutting down: the hook runs and says what is to be said.
      }
    }
  }

  private synchronized void interrupted() {
    if (!over) {
      clear();
      invocation.console().err().println("nephele-client: " + comeBack("goes on"));
      over = true;
    }
  }

  private String comeBack(String goesOn) {
    String command = "nephele-client " + Text.clean(invocation.host()) + " operation ";
    String id = Text.clean(operation);
    return "operation "
        + id
        + " "
        + goesOn
        + "; follow it with  "
        + command
        + "watch "
        + id
        + "  or stop it with  "
        + command
        + "cancel "
        + id;
  }

  private synchronized void finish() {
    clear();
    over = true;
  }

  private void clear() {
    if (shown > 0) {
      invocation.console().err().print("\r" + " ".repeat(shown) + "\r");
      invocation.console().err().flush();
      shown = 0;
    }
  }

  private synchronized void show(Api.Operation now) {
    Api.Progress progress = now.progress();
    if (over || progress == null) {
      return;
    }
    Console console = invocation.console();
    if (console.errIsTerminal()) {
      String line = Text.cut(line(progress), console.columns() - 1);
      int length = line.codePointCount(0, line.length());
      console.err().print("\r" + line + " ".repeat(Math.max(0, shown - length)));
      console.err().flush();
      shown = length;
    } else if (!String.valueOf(progress.phase()).equals(phase)) {
      phase = String.valueOf(progress.phase());
      console.err().println(line(progress));
    }
  }

  /** {@code converting 41 % of 2.1 GB: a sentence}. */
  public static String line(Api.Progress progress) {
    StringBuilder line = new StringBuilder(Text.clean(String.valueOf(progress.phase())));
    boolean bytes = "bytes".equals(progress.unit());
    String unit = progress.unit() == null || bytes ? "" : " " + Text.clean(progress.unit());
    if (progress.total() > 0) {
      long percent = (long) (100.0 * progress.done() / progress.total());
      line.append(' ').append(Math.max(0, Math.min(100, percent))).append(" % of ");
      line.append(bytes ? Text.bytes(progress.total()) : progress.total() + unit);
    } else if (progress.done() > 0) {
      line.append(' ').append(bytes ? Text.bytes(progress.done()) : progress.done() + unit);
    }
    if (progress.message() != null) {
      line.append(": ").append(Text.clean(progress.message()));
    }
    return line.toString();
  }
}
