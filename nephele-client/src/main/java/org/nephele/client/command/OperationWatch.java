package org.nephele.client.command;

import org.nephele.client.AgentConnection;
import org.nephele.client.Follow;
import org.nephele.client.Invocation;
import org.nephele.client.Text;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.NepheleException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(description = "Follow an operation to its end, as the command that started it does")
final class OperationWatch extends AgentCommand {
  @Parameters(paramLabel = "id", description = "ID of the operation, as operation ls lists it")
  private String operation;

  OperationWatch(Invocation invocation) {
    super(invocation);
  }

  @Override
  void run(AgentConnection agent) throws NepheleException {
    Api.Operation end = Follow.watch(invocation(), agent, operation);
    console().out().println(Text.clean(end.kind() + " " + end.target() + ": " + end.state()));
  }
}
