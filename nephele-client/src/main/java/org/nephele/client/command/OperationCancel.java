package org.nephele.client.command;

import org.nephele.client.AgentConnection;
import org.nephele.client.Invocation;
import org.nephele.client.Text;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.NepheleException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(description = "Ask an operation to stop and to undo what it has done")
final class OperationCancel extends AgentCommand {
  @Parameters(paramLabel = "id", description = "ID of the operation, as operation ls lists it")
  private String operation;

  OperationCancel(Invocation invocation) {
    super(invocation);
  }

  @Override
  void run(AgentConnection agent) throws NepheleException {
    Api.Operation now =
        agent.call(Api.OPERATION_CANCEL, new Api.OperationRef(operation), Api.Operation.class);
    console()
        .err()
        .println(
            "Asked "
                + Text.clean(now.kind() + " " + now.target())
                + " to stop; it is "
                + Text.clean(now.state()));
  }
}
