package org.nephele.client.command;

import java.util.List;
import org.nephele.client.AgentConnection;
import org.nephele.client.Follow;
import org.nephele.client.Invocation;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.NepheleException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(description = "Take in an image that was exported on another node")
final class ImageImport extends AgentCommand {
  @Parameters(paramLabel = "path", description = "Path on the node of the exported file")
  private String path;

  ImageImport(Invocation invocation) {
    super(invocation);
  }

  @Override
  void run(AgentConnection agent) throws NepheleException {
    Api.Started started = agent.call(Api.IMAGE_IMPORT, new Api.Path(path), Api.Started.class);
    ImageList.print(
        console(),
        List.of(Follow.toEnd(invocation(), agent, started.operation(), Api.Image.class)));
  }
}
