package org.nephele.server.handoff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nephele.core.handoff.Journal;
import org.nephele.core.handoff.Journal.DestinationEntry;
import org.nephele.core.handoff.Journal.DestinationPhase;
import org.nephele.core.handoff.Journal.SourcePhase;
import org.nephele.core.handoff.Plan;

class JournalsTest {
  private static final String ID = "00112233445566778899aabbccddeeff";

  @TempDir Path root;

  private static Plan plan() {
    return new Plan(
        ID,
        "3f0c6a2e-7f6b-4a55-9c6e-0f1d2c3b4a59",
        "a title",
        List.of(80),
        false,
        "/var/nephele/snapshots/x.zip",
        "2026-01-01T00:00:00Z",
        new Plan.Image("0123456789ab", "tiny", "ff".repeat(32)),
        new Plan.Hardware("TCG", "pc-i440fx-7.2", "Westmere", "7.2.22", 2, 1 << 18, 1L << 31, 77),
        "node1",
        "6e2a9d1a-1111-2222-3333-444444444444");
  }

  @Test
  void aPhaseReplacesTheOneBefore() throws Exception {
    Journals journals = new Journals(root.resolve("handoffs"));
    journals.write(SourcePhase.STARTED, "node2", plan());
    journals.write(SourcePhase.COMMITTED, "node2", plan());
    journals.write(DestinationPhase.PREPARED, plan());
    journals.write(DestinationPhase.READY, plan());

    assertThat(journals.sources())
        .singleElement()
        .satisfies(
            entry -> {
              assertThat(entry.phase()).isEqualTo(SourcePhase.COMMITTED);
              assertThat(entry.destination()).isEqualTo("node2");
              assertThat(entry.plan()).isEqualTo(plan());
            });
    assertThat(journals.destinations())
        .singleElement()
        .satisfies(entry -> assertThat(entry.phase()).isEqualTo(DestinationPhase.READY));
    assertThat(Files.getPosixFilePermissions(root.resolve("handoffs")))
        .isEqualTo(PosixFilePermissions.fromString("rwx------"));

    journals.deleteSource(ID);
    journals.deleteSource(ID);
    journals.deleteDestination(ID);
    assertThat(journals.sources()).isEmpty();
    assertThat(journals.destinations()).isEmpty();
  }

  @Test
  void nobodyGoesOnWithoutAJournalThatCantBeRead() throws Exception {
    Journals journals = new Journals(root);
    journals.write(SourcePhase.STARTED, "node2", plan());
    Files.writeString(root.resolve(ID + ".source.tmp"), "from a crash");
    assertThat(journals.sources()).hasSize(1);

    Files.writeString(root.resolve("ffff.source"), "{\"version\":9}");
    Files.writeString(root.resolve("eeee.destination"), "half a jour");

    assertThatThrownBy(journals::sources)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("ffff.source")
        .hasMessageContaining("move the file away");
    assertThatThrownBy(journals::destinations).hasMessageContaining("eeee.destination");
    assertThat(root.resolve("ffff.source")).exists();
    assertThat(root.resolve("eeee.destination")).exists();
  }

  @Test
  void oneHandoffIsLookedUp() throws Exception {
    Journals journals = new Journals(root);
    assertThat(journals.destination(ID)).isEmpty();
    assertThat(journals.hasSource(ID)).isFalse();

    journals.write(SourcePhase.STARTED, "node2", plan());
    journals.write(DestinationPhase.READY, plan());

    assertThat(journals.destination(ID)).contains(DestinationPhase.READY);
    assertThat(journals.hasSource(ID)).isTrue();
  }

  @Test
  void whatIsNotFinishedIsTheLastTimeWhateverTheClockSaid() {
    DestinationEntry before = entry(DestinationPhase.TAKEN, "2030-01-01T00:00:00Z");
    DestinationEntry longBefore = entry(DestinationPhase.TAKEN, "2025-01-01T00:00:00Z");
    DestinationEntry now = entry(DestinationPhase.READY, "2026-01-01T00:00:00Z");

    assertThat(Handoffs.latest(List.of(before, now, longBefore))).containsExactly(now);
    assertThat(Handoffs.latest(List.of(longBefore, before))).containsExactly(before);
  }

  private static DestinationEntry entry(DestinationPhase phase, String at) {
    return new DestinationEntry(Journal.VERSION, phase, at, plan());
  }

  @Test
  void onlyWhatWasTakenLongAgoIsForgotten() throws Exception {
    Journals journals = new Journals(root);
    Path file = root.resolve(ID + ".destination");
    FileTime longAgo = FileTime.from(Instant.now().minus(Duration.ofDays(400)));
    journals.write(DestinationPhase.READY, plan());
    Files.setLastModifiedTime(file, longAgo);
    assertThat(journals.destinations()).hasSize(1);

    journals.write(DestinationPhase.TAKEN, plan());
    assertThat(journals.destinations()).hasSize(1);
    Files.setLastModifiedTime(file, longAgo);
    assertThat(journals.destinations()).isEmpty();
    assertThat(file).doesNotExist();
  }
}
