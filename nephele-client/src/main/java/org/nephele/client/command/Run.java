package org.nephele.client.command;

import java.util.ArrayList;
import java.util.List;
import org.nephele.client.AgentConnection;
import org.nephele.client.Follow;
import org.nephele.client.Invocation;
import org.nephele.client.Table;
import org.nephele.client.Text;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(description = "Instantiate a VM from an existing snapshot")
final class Run extends AgentCommand {
  @Option(
      names = {"-p", "--ports"},
      paramLabel = "PORTS",
      description =
          "TCP ports to forward from the node to the same port of the VM, comma separated, for"
              + " example 80,443")
  private String ports = "";

  @Parameters(
      index = "0",
      paramLabel = "snapshot",
      description = "Name of a snapshot below /var/nephele/snapshots, or its path on the node")
  private String snapshot;

  @Parameters(
      index = "1",
      paramLabel = "title",
      description = "Title of the VM instance to display in virt-manager")
  private String title;

  Run(Invocation invocation) {
    super(invocation);
  }

  @Override
  void check() throws NepheleException {
    ports();
  }

  private List<Integer> ports() throws NepheleException {
    List<Integer> numbers = new ArrayList<>();
    for (String port : ports.isEmpty() ? new String[0] : ports.split(",", -1)) {
      String digits = port.strip();
      int number = digits.matches("[0-9]{1,5}") ? Integer.parseInt(digits) : 0;
      if (number < 1 || number > 65535 || numbers.contains(number)) {
        throw new NepheleException(
            ErrorKind.USAGE,
            "-p takes different port numbers from 1 to 65535 with commas between them, as in"
                + " 80,443");
      }
      numbers.add(number);
    }
    return numbers;
  }

  @Override
  void run(AgentConnection agent) throws NepheleException {
    Api.Started started =
        agent.call(Api.RUN, new Api.Run(snapshot, title, ports()), Api.Started.class);
    Api.Instance instance =
        Follow.toEnd(invocation(), agent, started.operation(), Api.Instance.class);
    Table table = new Table("HOST", "TITLE", "SNAPSHOT", "FWDPORTS");
    table.add(invocation().host(), instance.title(), instance.snapshot(), ports(instance.ports()));
    table.print(console());
    if (Boolean.FALSE.equals(instance.clockSet())) {
      console().err().println(clockNotSet(instance.title()));
    }
  }

  /** {@code 80,443}, or {@code None}. */
  static String ports(List<Integer> ports) {
    return ports == null || ports.isEmpty()
        ? "None"
        : String.join(",", ports.stream().map(String::valueOf).toList());
  }

  static String clockNotSet(String title) {
    return "Note: no guest agent answers in "
        + Text.cut(Text.clean(title), 80)
        + ", so its clock is behind by the time that it did not run.";
  }
}
