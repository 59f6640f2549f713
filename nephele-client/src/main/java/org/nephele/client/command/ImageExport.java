package org.nephele.client.command;

import org.nephele.client.AgentConnection;
import org.nephele.client.Follow;
import org.nephele.client.Invocation;
import org.nephele.client.Text;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.NepheleException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(description = "Write an image into one file, to import it on another node")
final class ImageExport extends AgentCommand {
  @Parameters(index = "0", paramLabel = "id", description = "Image ID, as images lists it")
  private String image;

  @Parameters(
      index = "1",
      paramLabel = "dest",
      description = "Path on the node of the file to write; it must not exist")
  private String dest;

  ImageExport(Invocation invocation) {
    super(invocation);
  }

  @Override
  void run(AgentConnection agent) throws NepheleException {
    Api.Started started =
        agent.call(Api.IMAGE_EXPORT, new Api.ImageExport(image, dest), Api.Started.class);
    Api.Exported exported =
        Follow.toEnd(invocation(), agent, started.operation(), Api.Exported.class);
    console()
        .out()
        .println(Text.clean(exported.path()) + " (" + Text.bytes(exported.bytes()) + ")");
  }
}
