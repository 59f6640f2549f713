package org.nephele.client.command;

import org.nephele.client.AgentConnection;
import org.nephele.client.Follow;
import org.nephele.client.Invocation;
import org.nephele.client.Table;
import org.nephele.client.Times;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.NepheleException;
import picocli.CommandLine.Command;

@Command(description = "List work that is under way or ended lately")
final class OperationList extends AgentCommand {
  OperationList(Invocation invocation) {
    super(invocation);
  }

  @Override
  void run(AgentConnection agent) throws NepheleException {
    Table table = new Table("ID", "KIND", "TARGET", "STATE", "STARTED", "PROGRESS").whole(0);
    for (Api.Operation operation :
        agent.call(Api.OPERATION_LIST, null, Api.Operations.class).operations()) {
      table.add(
          operation.id(),
          operation.kind(),
          String.valueOf(operation.target()),
          operation.state(),
          Times.local(operation.started()),
          progress(operation));
    }
    table.print(console());
  }

  private static String progress(Api.Operation operation) {
    if (operation.error() != null) {
      return operation.error().message();
    }
    return operation.progress() == null ? "None" : Follow.line(operation.progress());
  }
}
