package org.nephele.client.command;

import java.util.List;
import org.nephele.client.AgentConnection;
import org.nephele.client.Console;
import org.nephele.client.Invocation;
import org.nephele.client.Table;
import org.nephele.client.Times;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.NepheleException;
import picocli.CommandLine.Command;

@Command(description = "List snapshots known to nephele")
final class SnapshotList extends AgentCommand {
  SnapshotList(Invocation invocation) {
    super(invocation);
  }

  @Override
  void run(AgentConnection agent) throws NepheleException {
    print(console(), agent.call(Api.SNAPSHOT_LIST, null, Api.Snapshots.class).snapshots());
  }

  static void print(Console console, List<Api.Snapshot> snapshots) {
    Table table = new Table("SNAPSHOT", "IMAGE ID", "CREATED").widths(51, 20);
    snapshots.forEach(s -> table.add(s.path(), s.imageId(), Times.local(s.created())));
    table.print(console);
  }
}
