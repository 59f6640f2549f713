package org.nephele.client.command;

import org.nephele.client.Invocation;
import org.nephele.client.Text;
import org.nephele.core.protocol.Api;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** A command about one VM. */
@Command
abstract class VmCommand extends AgentCommand {
  @Parameters(
      paramLabel = "title|uuid",
      description = "Title of the VM, or its UUID where several have the same title")
  private String vm;

  VmCommand(Invocation invocation) {
    super(invocation);
  }

  String vm() {
    return vm;
  }

  void say(String what, Api.Vm vm) {
    console().err().println(what + " " + Text.cut(Text.clean(vm.vm()), 200));
  }
}
