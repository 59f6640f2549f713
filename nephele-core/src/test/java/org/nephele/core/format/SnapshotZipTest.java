package org.nephele.core.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SnapshotZipTest {
  @TempDir Path folder;

  private final SnapshotManifest manifest =
      new SnapshotManifest(
          "a \"title\" with <everything> & ümläuts",
          "2026-01-02T03:04:05Z",
          "0123456789ab",
          "tiny.img",
          "ab".repeat(32),
          10 * Pages.SIZE,
          20 * Pages.SIZE,
          new Machine("pc", "Westmere", "7.2.22", 1, 80));

  private final byte[] pages = new byte[2 * Pages.SIZE];

  {
    new Random(5).nextBytes(pages);
  }

  private Path write() throws IOException {
    Path file = folder.resolve("snapshot.zip");
    SnapshotZip.Counts counts =
        SnapshotZip.write(
            file,
            manifest,
            new byte[] {1, 2, 3},
            disk -> disk.page(9, pages, 0),
            memory -> {
              memory.page(0, new byte[Pages.SIZE], 0);
              memory.page(19, pages, Pages.SIZE);
            });
    assertThat(counts).isEqualTo(new SnapshotZip.Counts(1, 0, 1, 1));
    return file;
  }

  @Test
  void whatWasWrittenIsRead() throws IOException {
    try (SnapshotZip snapshot = SnapshotZip.open(write())) {
      assertThat(snapshot.manifest()).isEqualTo(manifest);
      assertThat(snapshot.deviceState()).containsExactly(1, 2, 3);
      assertThat(snapshot.disk().next()).contains(new DeltaReader.Run(9, 1, false));
      DeltaReader memory = snapshot.memory();
      assertThat(memory.next()).contains(new DeltaReader.Run(0, 1, true));
      assertThat(memory.next()).contains(new DeltaReader.Run(19, 1, false));
      assertThat(memory.next()).isEmpty();
    }
  }

  @Test
  void everyFlippedByteIsFoundOrHarmless() throws IOException {
    byte[] whole = Files.readAllBytes(write());
    Random random = new Random(3);
    for (int i = 0; i < 300; i++) {
      byte[] damaged = whole.clone();
      damaged[random.nextInt(whole.length)] ^= (byte) (1 << random.nextInt(8));
      Path file = Files.write(folder.resolve("damaged.zip"), damaged);
      try (SnapshotZip snapshot = SnapshotZip.open(file)) {
        assertThat(snapshot.manifest()).isEqualTo(manifest);
        assertThat(snapshot.deviceState()).containsExactly(1, 2, 3);
        drain(snapshot.disk(), 10);
        drain(snapshot.memory(), 20);
      } catch (FormatException e) {
        assertThat(e).hasMessageNotContaining("null");
      }
    }
  }

  private void drain(DeltaReader delta, long pages) throws IOException {
    for (var run = delta.next(); run.isPresent(); run = delta.next()) {
      assertThat(run.get().first() + run.get().count()).isLessThanOrEqualTo(pages);
    }
  }

  @Test
  void aSnapshotOfAnotherImageIsToldApart() throws IOException {
    ImageManifest image =
        new ImageManifest(
            "0123456789ab",
            "tiny.img",
            "/x",
            "2026-01-02T03:04:05Z",
            new Content(10 * Pages.SIZE, "0".repeat(64)),
            new Content(20 * Pages.SIZE, "0".repeat(64)),
            new Content(3, "0".repeat(64)),
            new Content(3, "0".repeat(64)),
            "ab".repeat(32),
            manifest.machine());
    manifest.checkAgainst(image);
    SnapshotManifest forged =
        new SnapshotManifest(
            "t",
            manifest.created(),
            "0123456789ab",
            "tiny.img",
            "ab".repeat(32),
            1L << 40,
            1,
            null);
    assertThatThrownBy(() -> forged.checkAgainst(image))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("doesn't belong");
  }

  @Test
  void incompleteManifestsAreRefused() {
    String json = new String(manifest.toJson(), StandardCharsets.UTF_8);
    for (String broken :
        new String[] {
          json.replace("abab", "zzzz"),
          json.replace("0123456789ab", "../../etc"),
          json.replace("tiny.img", "a/b"),
          json.replace("" + 10 * Pages.SIZE, "0"),
          json.replace("\"title\"", "\"tilte\""),
          json.replace("\"version\" : 0", "\"version\" : 7"),
          json.replace("\"version\" : 0", "\"version\" : \"0\""),
          "null",
          ""
        }) {
      assertThatThrownBy(() -> SnapshotManifest.parse(broken.getBytes(StandardCharsets.UTF_8)))
          .as(broken)
          .isInstanceOf(FormatException.class);
    }
  }

  @Test
  void anImageIsNoSnapshot() throws IOException {
    Path file = folder.resolve("other.zip");
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(file))) {
      out.putNextEntry(new ZipEntry("manifest.json"));
      out.write("{\"format\":\"nephele image\",\"version\":0}".getBytes(StandardCharsets.UTF_8));
      out.closeEntry();
    }
    assertThatThrownBy(() -> SnapshotZip.open(file))
        .isInstanceOf(FormatException.class)
        .hasMessage("it is no nephele snapshot");
  }
}
