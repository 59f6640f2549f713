package org.nephele.client.command;

import org.nephele.client.AgentConnection;
import org.nephele.client.Invocation;
import org.nephele.client.Table;
import org.nephele.client.Text;
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
    Api.Instances found = agent.call(Api.PS, null, Api.Instances.class);
    for (Api.Instance instance : found.instances()) {
      table.add(
          String.valueOf(instance.pid()),
          instance.title(),
          Run.ports(instance.ports()),
          instance.uuid(),
          Times.local(instance.started()),
          instance.handoffUrl() == null ? "None" : instance.handoffUrl());
    }
    table.print(console());
    if (found.lost() != null) {
      found.lost().forEach(this::printLost);
    }
  }

  /** On stderr: the table has what runs, and scripts read it. */
  private void printLost(Api.LostInstance lost) {
    console()
        .err()
        .println(
            Text.clean(
                "The instance "
                    + lost.title()
                    + " ["
                    + lost.uuid()
                    + "] was lost when its node or QEMU went down. Its disk is kept: "
                    + lost.disk()
                    + "; 'stop --force "
                    + lost.uuid()
                    + "' removes it."));
  }
}
