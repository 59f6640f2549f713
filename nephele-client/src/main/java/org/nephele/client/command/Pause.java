package org.nephele.client.command;

import org.nephele.client.AgentConnection;
import org.nephele.client.Invocation;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.NepheleException;
import picocli.CommandLine.Command;

@Command(description = "Pause a VM, as in virt-manager: this ends a build")
final class Pause extends VmCommand {
  Pause(Invocation invocation) {
    super(invocation);
  }

  @Override
  void run(AgentConnection agent) throws NepheleException {
    say("Paused", agent.call(Api.PAUSE, new Api.Vm(vm()), Api.Vm.class));
  }
}
