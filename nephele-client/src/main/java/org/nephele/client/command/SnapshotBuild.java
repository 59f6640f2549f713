package org.nephele.client.command;

import java.util.List;
import org.nephele.client.AgentConnection;
import org.nephele.client.Follow;
import org.nephele.client.Invocation;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.NepheleException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(description = "Resume an image, and keep what was changed once it is paused")
final class SnapshotBuild extends AgentCommand {
  @Option(
      names = {"-t", "--title"},
      paramLabel = "TITLE",
      description = "Title of the VM instance to display in virt-manager")
  private String title;

  @Mixin private PauseCondition pause;

  @Parameters(index = "0", paramLabel = "id", description = "Image ID, as images lists it")
  private String image;

  @Parameters(
      index = "1",
      paramLabel = "dest",
      description = "Name of the snapshot below /var/nephele/snapshots, or a path on the node")
  private String dest;

  SnapshotBuild(Invocation invocation) {
    super(invocation);
  }

  @Override
  void check() throws NepheleException {
    pause.check();
  }

  @Override
  void run(AgentConnection agent) throws NepheleException {
    Api.Started started =
        agent.call(
            Api.SNAPSHOT_BUILD,
            new Api.SnapshotBuild(image, dest, title, pause.regex(), pause.milliseconds()),
            Api.Started.class);
    console().err().println(pause.hint(invocation().host()));
    SnapshotList.print(
        console(),
        List.of(Follow.toEnd(invocation(), agent, started.operation(), Api.Snapshot.class)));
  }
}
