package org.nephele.client;

import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.Optional;
import org.nephele.client.command.Commands;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/**
 * {@code nephele-client HOST COMMAND …}. HOST comes first and is taken off here, so that a host may
 * have any name, {@code ps} too; the rest is picocli's.
 */
public final class Main {
  private static final String NAME = "nephele-client";

  private Main() {}

  /** Exits with 0 or an exit code of {@link ErrorKind}; the JVM exits with 130 on Ctrl-C. */
  public static void main(String[] args) {
    Optional<String> socket = Optional.ofNullable(System.getenv("NEPHELE_AGENT_SOCKET"));
    int code = run(args, Console.ofProcess(), Connector.overSsh(socket));
    System.exit(code);
  }

  /** Runs one command; returns the exit code. All errors become a sentence on stderr here. */
  static int run(String[] args, Console console, Connector connector) {
    if (args.length == 0) {
      help(console.out());
      return fail(console, ErrorKind.USAGE, "too few arguments");
    }
    String host = args[0];
    if (host.equals("-h") || host.equals("--help")) {
      help(console.out());
      return 0;
    }
    if (host.equals("--version")) {
      console.out().println(NAME + " " + Version.VERSION);
      return 0;
    }
    if (host.startsWith("-")) {
      return fail(console, ErrorKind.USAGE, "HOST comes first, and ‘" + host + "’ is none");
    }
    if (args.length == 1) {
      return fail(console, ErrorKind.USAGE, "too few arguments: HOST, then a command");
    }
    if (args[1].equals("-h") || args[1].equals("--help")) {
      help(console.out());
      return 0;
    }
    Optional<Commands> command = Commands.named(args[1]);
    if (command.isEmpty()) {
      return fail(
          console,
          ErrorKind.USAGE,
          "there is no command ‘" + args[1] + "’ (choose from " + names(", ") + ")");
    }
    return execute(
        command.get().build().apply(new Invocation(host, connector, console)),
        args[1],
        Arrays.copyOfRange(args, 2, args.length),
        console);
  }

  private static int execute(CommandLine line, String name, String[] args, Console console) {
    line.setCommandName(NAME + " HOST " + name)
        .setExpandAtFiles(false) // a title may start with @
        .setColorScheme(CommandLine.Help.defaultColorScheme(CommandLine.Help.Ansi.OFF))
        .setUsageHelpWidth(Math.max(80, Math.min(120, console.columns())))
        .setOut(new PrintWriter(console.out(), true))
        .setErr(new PrintWriter(console.err(), true))
        .setParameterExceptionHandler((e, ignored) -> wrongParameters(e, console))
        .setExecutionExceptionHandler((e, ignored, result) -> failed(e, console));
    return line.execute(args);
  }

  private static int wrongParameters(ParameterException e, Console console) {
    int code = fail(console, ErrorKind.USAGE, e.getMessage());
    e.getCommandLine().usage(console.err());
    return code;
  }

  private static int failed(Exception e, Console console) {
    if (e instanceof NepheleException nephele) {
      return fail(console, nephele.kind(), nephele.getMessage());
    }
    if (e instanceof ParameterException wrong) {
      return wrongParameters(wrong, console);
    }
    if (e instanceof IOException) {
      return fail(console, ErrorKind.FAILED, String.valueOf(e.getMessage()));
    }
    e.printStackTrace(console.err());
    return fail(console, ErrorKind.FAILED, "this is a bug of nephele-client: " + e);
  }

  /** Sentences may quote what a node or a file said, so they are cleaned. */
  private static int fail(Console console, ErrorKind kind, String message) {
    console.out().flush();
    console.err().println(NAME + ": " + Text.cleanLines(message));
    return kind.exitCode();
  }

  private static String names(String separator) {
    return String.join(separator, Commands.ALL.stream().map(Commands::name).toList());
  }

  /** In the form of the original's help, which was argparse's. */
  private static void help(PrintStream out) {
    String choice = "{" + names(",") + "}";
    StringBuilder text = new StringBuilder();
    text.append("usage: ").append(NAME).append(" [-h] host ").append(choice).append(" ...\n\n");
    text.append("Manage VMs across cloudlets.\n\n");
    text.append("positional arguments:\n");
    text.append("  host                  Execute commands on specified remote host.\n\n");
    text.append("optional arguments:\n");
    text.append("  -h, --help            show this help message and exit\n");
    text.append("  --version             show the version and exit\n\n");
    text.append("command:\n  ").append(choice).append('\n');
    for (Commands command : Commands.ALL) {
      text.append("    ").append(command.name());
      text.append(" ".repeat(20 - command.name().length())).append(command.description());
      text.append('\n');
    }
    out.print(text);
    out.flush();
  }
}
