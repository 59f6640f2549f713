package org.nephele.server;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code nephele-server}: what systemd starts on a node. */
@Command(
    name = "nephele-server",
    description = "The Nephele agent of this node.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = Main.AgentCommand.class)
public final class Main {
  private static final Logger log = LoggerFactory.getLogger(Main.class);

  private Main() {}

  public static void main(String[] arguments) {
    System.exit(new CommandLine(new Main()).execute(arguments));
  }

  @Command(
      name = "agent",
      description =
          "Runs the agent until it is told to stop (SIGTERM). Running instances go on without it; builds end with it.",
      mixinStandardHelpOptions = true)
  static final class AgentCommand implements Callable<Integer> {
    @Override
    public Integer call() throws Exception {
      Thread.setDefaultUncaughtExceptionHandler(
          (thread, e) -> log.error("Thread {} died", thread.getName(), e));
      try {
        Agent agent =
            Agent.start(
                Settings.read(Settings.FILE),
                Path.of("/var/nephele"),
                Path.of("/run/nephele"),
                Settings.TEMPLATE);
        Runtime.getRuntime().addShutdownHook(new Thread(agent::close, "stop"));
        new CountDownLatch(1).await(); // until SIGTERM
        return 0;
      } catch (NepheleException e) {
        log.error("The agent can't start: {}", e.getMessage(), e);
        return e.kind().exitCode();
      } catch (IOException e) {
        log.error("The agent can't start: {}", e.toString(), e);
        return ErrorKind.FAILED.exitCode();
      }
    }
  }
}
