package org.nephele.client.command;

import org.nephele.client.AgentConnection;
import org.nephele.client.Invocation;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.NepheleException;
import picocli.CommandLine.Command;

@Command(description = "Let the CPUs of a frozen instance go on")
final class Thaw extends VmCommand {
  Thaw(Invocation invocation) {
    super(invocation);
  }

  @Override
  void run(AgentConnection agent) throws NepheleException {
    say("Thawed", agent.call(Api.THAW, new Api.Vm(vm()), Api.Vm.class));
  }
}
