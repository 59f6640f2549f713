package org.nephele.client.command;

import java.io.IOException;
import java.util.concurrent.Callable;
import org.nephele.client.AgentConnection;
import org.nephele.client.Console;
import org.nephele.client.Invocation;
import org.nephele.core.protocol.NepheleException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** A command that talks to the agent of the host. Its arguments are checked before it connects. */
@Command
abstract class AgentCommand implements Callable<Integer> {
  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "show this help message and exit")
  private boolean help;

  private final Invocation invocation;

  AgentCommand(Invocation invocation) {
    this.invocation = invocation;
  }

  Invocation invocation() {
    return invocation;
  }

  Console console() {
    return invocation.console();
  }

  @Override
  public final Integer call() throws NepheleException, IOException {
    check();
    try (AgentConnection agent = invocation.connect()) {
      run(agent);
    }
    return 0;
  }

  /**
   * @throws NepheleException of kind USAGE when the arguments can't be right
   */
  void check() throws NepheleException {}

  abstract void run(AgentConnection agent) throws NepheleException, IOException;
}
