package org.nephele.server.handoff;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.nephele.core.handoff.Journal;
import org.nephele.core.handoff.Journal.DestinationEntry;
import org.nephele.core.handoff.Journal.DestinationPhase;
import org.nephele.core.handoff.Journal.SourceEntry;
import org.nephele.core.handoff.Journal.SourcePhase;
import org.nephele.core.handoff.Plan;
import org.nephele.core.io.DurableFiles;

/**
 * The journals of this node's handoffs, below {@code /var/nephele/handoffs}: {@code ID.source} and
 * {@code ID.destination}. What is written is on disk when the call returns. Thread-safe for
 * different handoffs.
 */
final class Journals {
  private static final String SOURCE = ".source";
  private static final String DESTINATION = ".destination";
  private static final long MOST = 1 << 20;

  /** A source may have been off that long, and still have to be told that its VM was taken. */
  private static final Duration KEEP_TAKEN = Duration.ofDays(365);

  private final Path folder;

  Journals(Path folder) throws IOException {
    this.folder = folder;
    Files.createDirectories(folder);
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
  }

  void write(SourcePhase phase, String destination, Plan plan) throws IOException {
    DurableFiles.write(
        folder.resolve(plan.id() + SOURCE),
        Journal.write(new SourceEntry(Journal.VERSION, phase, destination, plan)));
  }

  void write(DestinationPhase phase, Plan plan) throws IOException {
    DurableFiles.write(
        folder.resolve(plan.id() + DESTINATION),
        Journal.write(
            new DestinationEntry(Journal.VERSION, phase, Instant.now().toString(), plan)));
  }

  void deleteSource(String id) throws IOException {
    delete(id + SOURCE);
  }

  void deleteDestination(String id) throws IOException {
    delete(id + DESTINATION);
  }

  private void delete(String name) throws IOException {
    Files.deleteIfExists(folder.resolve(name));
    DurableFiles.syncFolder(folder);
  }

  /** Whether a handoff from here is not settled. */
  boolean hasSource(String id) {
    return Files.exists(folder.resolve(id + SOURCE));
  }

  /** How far a handoff to here is; empty when it ended without a copy, or never was. */
  Optional<DestinationPhase> destination(String id) throws IOException {
    try {
      return Optional.of(Journal.readDestination(read(folder.resolve(id + DESTINATION))).phase());
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  /**
   * Handoffs from here that are not settled.
   *
   * @throws IOException with a sentence when one can't be read: nobody may go on then, as it may
   *     say that an instance is another node's
   */
  List<SourceEntry> sources() throws IOException {
    List<SourceEntry> entries = new ArrayList<>();
    for (Path file : files(SOURCE)) {
      try {
        entries.add(Journal.readSource(read(file)));
      } catch (IOException e) {
        throw unreadable(file, e);
      }
    }
    return entries;
  }

  /**
   * Handoffs to here. Those that were taken long ago are forgotten.
   *
   * @throws IOException with a sentence when one can't be read: it may be about a complete copy
   */
  List<DestinationEntry> destinations() throws IOException {
    List<DestinationEntry> entries = new ArrayList<>();
    for (Path file : files(DESTINATION)) {
      try {
        DestinationEntry entry = Journal.readDestination(read(file));
        if (entry.phase() == DestinationPhase.TAKEN
            && Files.getLastModifiedTime(file)
                .toInstant()
                .isBefore(Instant.now().minus(KEEP_TAKEN))) {
          Files.deleteIfExists(file);
        } else {
          entries.add(entry);
        }
      } catch (IOException e) {
        throw unreadable(file, e);
      }
    }
    return entries;
  }

  private static IOException unreadable(Path file, IOException e) {
    return new IOException(
        "The journal of a handoff, "
            + file
            + ", can't be read ("
            + e.getMessage()
            + "), so it is not known which node may run its instance. It may be of a later"
            + " nephele-server. If you know that the instance's other copy is gone, move the file"
            + " away.",
        e);
  }

  private List<Path> files(String ending) throws IOException {
    List<Path> files = new ArrayList<>();
    try (var found = Files.newDirectoryStream(folder, "*" + ending)) {
      found.forEach(files::add);
    }
    return files;
  }

  private static byte[] read(Path file) throws IOException {
    if (Files.size(file) > MOST) {
      throw new IOException("it is too long");
    }
    return Files.readAllBytes(file);
  }
}
