package org.nephele.client.command;

import java.util.List;
import org.nephele.client.AgentConnection;
import org.nephele.client.Console;
import org.nephele.client.Invocation;
import org.nephele.client.Table;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.NepheleException;
import picocli.CommandLine.Command;

@Command(description = "List base images tracked by nephele")
final class ImageList extends AgentCommand {
  ImageList(Invocation invocation) {
    super(invocation);
  }

  @Override
  void run(AgentConnection agent) throws NepheleException {
    print(console(), agent.call(Api.IMAGE_LIST, null, Api.Images.class).images());
  }

  static void print(Console console, List<Api.Image> images) {
    Table table = new Table("IMAGE ID", "NAME (/var/nephele/images/)", "SOURCE").widths(20, 51);
    images.forEach(image -> table.add(image.id(), image.name(), image.source()));
    table.print(console);
  }
}
