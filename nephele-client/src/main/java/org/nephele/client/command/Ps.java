package org.nephele.client.command;

import org.nephele.client.AgentConnection;
import org.nephele.client.Invocation;
import org.nephele.client.Table;
import org.nephele.client.Times;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.NepheleException;
import picocli.CommandLine.Command;

@Command(description = "List running nephele instances")
final class Ps extends AgentCommand {
  Ps(Invocation invocation) {
    super(invocation);
  }

  @Override
  void run(AgentConnection agent) throws NepheleException {
    Table table =
        new Table("PID", "TITLE", "PORTS", "UUID", "STARTED", "HANDOFFURL").whole(0, 3, 4);
    for (Api.Instance instance : agent.call(Api.PS, null, Api.Instances.class).instances()) {
      table.add(
          String.valueOf(instance.pid()),
          instance.title(),
          Run.ports(instance.ports()),
          instance.uuid(),
          Times.local(instance.started()),
          instance.handoffUrl() == null ? "None" : instance.handoffUrl());
    }
    table.print(console());
  }
}
