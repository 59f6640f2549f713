package org.nephele.client.command;

import java.io.IOException;
import org.nephele.client.AgentConnection;
import org.nephele.client.Invocation;
import org.nephele.client.Text;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(description = "Remove an image; snapshots of it become useless")
final class ImageRemove extends AgentCommand {
  @Option(
      names = {"-y", "--yes"},
      description = "Do not ask")
  private boolean yes;

  @Parameters(paramLabel = "id", description = "Image ID, as images lists it")
  private String image;

  ImageRemove(Invocation invocation) {
    super(invocation);
  }

  @Override
  void run(AgentConnection agent) throws NepheleException, IOException {
    if (!yes) {
      String host = Text.clean(invocation().host());
      String shown = Text.clean(image);
      ask("Remove image " + shown + " from " + host + "? [y/N] ");
      ask(
          "All snapshots built on "
              + shown
              + " become useless, and instances of it can't be handed off to "
              + host
              + " any more. Really remove it? [y/N] ");
    }
    Api.Image removed = agent.call(Api.IMAGE_REMOVE, new Api.ImageRef(image), Api.Image.class);
    console()
        .err()
        .println("Removed image " + Text.clean(removed.id() + " (" + removed.name() + ")"));
  }

  private void ask(String question) throws NepheleException, IOException {
    String answer =
        console()
            .ask(question)
            .orElseThrow(
                () ->
                    new NepheleException(
                        ErrorKind.REFUSED,
                        "there is no terminal to ask on, so nothing was removed: say --yes"));
    if (!answer.strip().toLowerCase(java.util.Locale.ROOT).matches("y|yes")) {
      throw new NepheleException(ErrorKind.CANCELLED, "nothing was removed");
    }
  }
}
