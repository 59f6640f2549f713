package org.nephele.client.command;

import java.util.Locale;
import org.nephele.client.AgentConnection;
import org.nephele.client.Follow;
import org.nephele.client.Invocation;
import org.nephele.client.Text;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.NepheleException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(description = "Handoff a running instance to another nephele node")
final class Handoff extends AgentCommand {
  @Parameters(
      index = "0",
      paramLabel = "title|uuid",
      description = "Title of the instance, or its UUID where several have the same title")
  private String instance;

  @Parameters(
      index = "1",
      paramLabel = "dest",
      description = "The node that takes over, as the source node reaches it")
  private String destination;

  Handoff(Invocation invocation) {
    super(invocation);
  }

  @Override
  void run(AgentConnection agent) throws NepheleException {
    Api.HandoffStarted started =
        agent.call(Api.HANDOFF, new Api.Handoff(instance, destination), Api.HandoffStarted.class);
    console()
        .out()
        .println(
            "Handoff initiated for "
                + shown(started.title())
                + " ["
                + Text.clean(started.uuid())
                + "] to the following destination: "
                + Text.clean(started.url()));
    Api.HandoffDone done =
        Follow.toEnd(invocation(), agent, started.operation(), Api.HandoffDone.class);
    console()
        .out()
        .println(
            String.format(
                Locale.ROOT,
                "Handoff done in %.1f s: %s runs at %s; downtime %d ms, %s sent, %s received",
                done.seconds(),
                shown(done.title()),
                Text.clean(done.destination()),
                done.downtimeMs(),
                Text.bytes(done.sentBytes()),
                Text.bytes(done.receivedBytes())));
    if (Boolean.FALSE.equals(done.clockSet())) {
      console().err().println(Run.clockNotSet(done.title()));
    }
  }

  private String shown(String title) {
    String clean = Text.clean(title);
    return console().outIsTerminal() ? Text.cut(clean, 80) : clean;
  }
}
