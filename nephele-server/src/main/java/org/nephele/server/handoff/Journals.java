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
import org.nephele.core.handoff.Journal;
import org.nephele.core.handoff.Journal.DestinationEntry;
import org.nephele.core.handoff.Journal.DestinationPhase;
import org.nephele.core.handoff.Journal.SourceEntry;
import org.nephele.core.handoff.Journal.SourcePhase;
import org.nephele.core.handoff.Plan;
import org.nephele.core.io.DurableFiles;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The journals of this node's handoffs, below {@code /var/nephele/handoffs}: {@code ID.source} and
 * {@code ID.destination}. What is written is on disk when the call returns. Thread-safe for
 * different handoffs.
 */
final class Journals {
  private static final Logger log = LoggerFactory.getLogger(Journals.class);
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

  /** Handoffs from here that are not settled. */
  List<SourceEntry> sources() throws IOException {
    List<SourceEntry> entries = new ArrayList<>();
    for (Path file : files(SOURCE)) {
      try {
        entries.add(Journal.readSource(read(file)));
      } catch (NoSuchFileException e) {
        log.debug("{} was settled meanwhile", file);
      } catch (IOException e) {
        log.error(
            "The journal {} can't be read; its handoff is not settled: {}", file, e.toString());
      }
    }
    return entries;
  }

  /** Handoffs to here. Those that were taken long ago are forgotten. */
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
        log.error(
            "The journal {} can't be read; its handoff is not settled: {}", file, e.toString());
      }
    }
    return entries;
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
