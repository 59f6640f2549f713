package org.nephele.client.command;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.nephele.client.Invocation;
import picocli.CommandLine;

/**
 * The words after HOST.
 *
 * @param description for the help
 * @param build makes the command; only the one that was asked for is made, for each costs
 *     milliseconds
 */
public record Commands(String name, String description, Function<Invocation, CommandLine> build) {
  /** All of them, as the help lists them. */
  public static final List<Commands> ALL =
      List.of(
          new Commands(
              "freeze",
              "Stop the CPUs of a running instance, and nothing else",
              i -> new CommandLine(new Freeze(i))),
          new Commands(
              "handoff",
              "Handoff a running instance to another nephele node",
              i -> new CommandLine(new Handoff(i))),
          new Commands(
              "image",
              "Management of base VM images",
              i ->
                  Group.of(
                      "build", new ImageBuild(i),
                      "export", new ImageExport(i),
                      "import", new ImageImport(i),
                      "ls", new ImageList(i),
                      "rm", new ImageRemove(i))),
          new Commands(
              "images",
              "List base images tracked by nephele",
              i -> new CommandLine(new ImageList(i))),
          new Commands(
              "operation",
              "List, watch and cancel work that is under way",
              i ->
                  Group.of(
                      "cancel", new OperationCancel(i),
                      "ls", new OperationList(i),
                      "watch", new OperationWatch(i))),
          new Commands(
              "pause",
              "Pause a VM, as in virt-manager: this ends a build",
              i -> new CommandLine(new Pause(i))),
          new Commands("ps", "List running nephele instances", i -> new CommandLine(new Ps(i))),
          new Commands(
              "run",
              "Instantiate a VM from an existing snapshot",
              i -> new CommandLine(new Run(i))),
          new Commands(
              "snapshot",
              "Management of VM snapshots",
              i -> Group.of("build", new SnapshotBuild(i), "ls", new SnapshotList(i))),
          new Commands(
              "snapshots",
              "List snapshots known to nephele",
              i -> new CommandLine(new SnapshotList(i))),
          new Commands("stop", "Shut a VM down", i -> new CommandLine(new Stop(i))),
          new Commands(
              "thaw",
              "Let the CPUs of a frozen instance go on",
              i -> new CommandLine(new Thaw(i))));

  public static Optional<Commands> named(String name) {
    for (Commands command : ALL) {
      if (command.name.equals(name)) {
        return Optional.of(command);
      }
    }
    return Optional.empty();
  }
}
