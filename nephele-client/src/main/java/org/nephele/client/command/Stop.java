package org.nephele.client.command;

import org.nephele.client.AgentConnection;
import org.nephele.client.Follow;
import org.nephele.client.Invocation;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.NepheleException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(description = "Shut a VM down; an instance and what it had changed are gone then")
final class Stop extends VmCommand {
  @Option(names = "--force", description = "Pull the plug instead of pressing the power button")
  private boolean force;

  Stop(Invocation invocation) {
    super(invocation);
  }

  @Override
  void run(AgentConnection agent) throws NepheleException {
    Api.Started started = agent.call(Api.STOP, new Api.Stop(vm(), force), Api.Started.class);
    say("Stopped", Follow.toEnd(invocation(), agent, started.operation(), Api.Vm.class));
  }
}
