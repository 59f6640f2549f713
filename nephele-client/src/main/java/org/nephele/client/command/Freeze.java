package org.nephele.client.command;

import org.nephele.client.AgentConnection;
import org.nephele.client.Invocation;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.NepheleException;
import picocli.CommandLine.Command;

@Command(description = "Stop the CPUs of a running instance, and nothing else")
final class Freeze extends VmCommand {
  Freeze(Invocation invocation) {
    super(invocation);
  }

  @Override
  void run(AgentConnection agent) throws NepheleException {
    say("Frozen", agent.call(Api.FREEZE, new Api.Vm(vm()), Api.Vm.class));
  }
}
