package org.nephele.client.command;

import java.util.List;
import org.nephele.client.AgentConnection;
import org.nephele.client.Follow;
import org.nephele.client.Invocation;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(description = "Boot a disk image in a VM, and keep its disk and memory once it is paused")
final class ImageBuild extends AgentCommand {
  @Option(
      names = {"-t", "--title"},
      paramLabel = "TITLE",
      description = "Title of the VM instance to display in virt-manager")
  private String title;

  @Option(
      names = {"-c", "--cpu"},
      paramLabel = "CPU",
      description =
          "Override number of vCPUs. By default, the number specified in the VM_TEMPLATE.xml will"
              + " be used.")
  private Integer vcpus;

  @Option(
      names = {"-m", "--mem"},
      paramLabel = "MEM",
      description =
          "Override amount of memory (in KiB). By default, the number specified in the"
              + " VM_TEMPLATE.xml will be used.")
  private Long memoryKib;

  @Mixin private PauseCondition pause;

  @Parameters(
      paramLabel = "path",
      description = "Path on the node to an existing base image (will be converted to raw format)")
  private String path;

  ImageBuild(Invocation invocation) {
    super(invocation);
  }

  @Override
  void check() throws NepheleException {
    pause.check();
    if (vcpus != null && vcpus < 1 || memoryKib != null && memoryKib < 1) {
      throw new NepheleException(ErrorKind.USAGE, "-c and -m must be positive numbers");
    }
  }

  @Override
  void run(AgentConnection agent) throws NepheleException {
    Api.Started started =
        agent.call(
            Api.IMAGE_BUILD,
            new Api.ImageBuild(path, title, vcpus, memoryKib, pause.regex(), pause.milliseconds()),
            Api.Started.class);
    console().err().println(pause.hint(invocation().host()));
    ImageList.print(
        console(),
        List.of(Follow.toEnd(invocation(), agent, started.operation(), Api.Image.class)));
  }
}
