package org.nephele.client.command;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** A word that only makes sense with a second one: {@code image ls}. */
@Command
final class Group implements Runnable {
  @Spec private CommandSpec spec;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "show this help message and exit")
  private boolean help;

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(),
        "too few arguments: one of " + String.join(", ", spec.subcommands().keySet()));
  }

  static CommandLine of(Object... namesAndCommands) {
    CommandLine group = new CommandLine(new Group());
    for (int i = 0; i < namesAndCommands.length; i += 2) {
      group.addSubcommand((String) namesAndCommands[i], namesAndCommands[i + 1]);
    }
    return group;
  }
}
