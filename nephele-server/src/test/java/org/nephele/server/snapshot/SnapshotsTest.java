package org.nephele.server.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nephele.core.format.Machine;
import org.nephele.core.format.SnapshotManifest;
import org.nephele.core.format.SnapshotZip;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.image.Images;
import org.nephele.server.operation.Work;
import org.nephele.server.store.Store;
import org.nephele.server.store.WorkFolder;

class SnapshotsTest {
  @TempDir Path folder;
  private Store store;
  private Snapshots snapshots;

  @BeforeEach
  void aStore() throws Exception {
    store = Store.open(folder.resolve("nephele"));
    snapshots = new Snapshots(store, "node1");
  }

  private void write(Path path) throws Exception {
    SnapshotZip.write(
        path,
        new SnapshotManifest(
            "t",
            "2026-01-02T03:04:05Z",
            "0123456789ab",
            "tiny.img",
            "ab".repeat(32),
            4096,
            4096,
            new Machine("pc", "Westmere", "7.2.22", 1, 65536)),
        new byte[1],
        disk -> {},
        memory -> {});
    snapshots.remember(path);
  }

  private Api.Snapshot keep(Path dest, Snapshots.Writer writer) throws Exception {
    try (WorkFolder work = store.work("test")) {
      return snapshots.keep(new Work(), work, work.beside(dest), dest, writer);
    }
  }

  private static Api.Snapshot written(Path file) throws IOException {
    Files.writeString(file, "a snapshot");
    return new Api.Snapshot("x", "0123456789ab", "2026-01-02T03:04:05Z", 10);
  }

  @Test
  void aFinishedSnapshotGetsItsName() throws Exception {
    Path dest = folder.resolve("there.zip");
    assertThat(keep(dest, SnapshotsTest::written).bytes()).isEqualTo(10);
    assertThat(dest).hasContent("a snapshot");
    assertThat(store.snapshots().resolve(".known")).isNotEmptyDirectory();
  }

  @Test
  void whatCantGetItsNameIsKeptUnderAnother() throws Exception {
    Path dest = Files.writeString(folder.resolve("x.zip"), "somebody else's");
    for (String kept : new String[] {"x_1.zip", "x_2.zip"}) {
      assertThatThrownBy(() -> keep(dest, SnapshotsTest::written))
          .isInstanceOf(NepheleException.class)
          .hasMessageContaining("exists on this node already")
          .hasMessageContaining("it is " + store.snapshots().resolve(kept) + " on node1 instead");
      assertThat(store.snapshots().resolve(kept)).hasContent("a snapshot");
    }
    assertThat(dest).hasContent("somebody else's");
    assertThat(folder.resolve("nephele/tmp")).isEmptyDirectory();
    try (var files = Files.list(folder)) {
      assertThat(files).containsExactlyInAnyOrder(dest, folder.resolve("nephele"));
    }
  }

  @Test
  void whatCantBeWrittenThereIsWrittenHere() throws Exception {
    Path dest = folder.resolve(".hidden.zip");
    boolean[] second = {false};
    int[] full = {1};
    assertThatThrownBy(
            () ->
                keep(
                    dest,
                    file -> {
                      if (!second[0]) {
                        second[0] = true;
                        throw new IOException("Input/output error");
                      }
                      if (full[0]-- > 0) {
                        Files.writeString(file, "half");
                        throw new IOException("No space left on device");
                      }
                      return written(file);
                    }))
        .hasMessageContaining("Input/output error")
        .hasMessageContaining("hidden_1.zip");
    assertThat(store.snapshots().resolve("hidden_1.zip")).hasContent("a snapshot");
    assertThat(dest).doesNotExist();
  }

  @Test
  void namesGoBelowTheStoreAndPathsWhereTheySay() throws Exception {
    assertThat(snapshots.destination("a")).isEqualTo(store.snapshots().resolve("a.zip"));
    assertThat(snapshots.destination("a b.zip")).isEqualTo(store.snapshots().resolve("a b.zip"));
    assertThat(snapshots.destination(folder + "/x")).isEqualTo(folder.resolve("x.zip"));
    for (String wrong :
        new String[] {"", " ", "../a", "a/b", ".a", "/no/such/folder/x", "a\nb", "a\0b"}) {
      assertThatThrownBy(() -> snapshots.destination(wrong))
          .as(wrong)
          .isInstanceOf(NepheleException.class);
    }
  }

  @Test
  void allThatWereMadeAreListed() throws Exception {
    Path inside = store.snapshots().resolve("inside.zip");
    Path outside = folder.resolve("out side.zip");
    write(inside);
    write(outside);
    Files.writeString(store.snapshots().resolve("broken.zip"), "no zip");

    assertThat(snapshots.list())
        .extracting(Api.Snapshot::path)
        .containsExactlyInAnyOrder(inside.toString(), outside.toString());
    assertThat(snapshots.list())
        .allSatisfy(
            snapshot -> {
              assertThat(snapshot.imageId()).isEqualTo("0123456789ab");
              assertThat(snapshot.created()).isEqualTo("2026-01-02T03:04:05Z");
              assertThat(snapshot.bytes()).isEqualTo(Files.size(Path.of(snapshot.path())));
            });

    Files.delete(outside);
    assertThat(snapshots.list()).extracting(Api.Snapshot::path).containsExactly(inside.toString());
  }

  @Test
  void areFoundByNameAndPath() throws Exception {
    Path path = store.snapshots().resolve("a.zip");
    write(path);
    assertThat(snapshots.find("a")).isEqualTo(path);
    assertThat(snapshots.find("a.zip")).isEqualTo(path);
    assertThat(snapshots.find(path.toString())).isEqualTo(path);
    assertThatThrownBy(() -> snapshots.find("b")).hasMessageContaining("no snapshot 'b' on node1");
    assertThatThrownBy(() -> snapshots.find("../../etc/passwd"))
        .isInstanceOf(NepheleException.class);
    assertThatThrownBy(() -> snapshots.find("a\0b")).isInstanceOf(NepheleException.class);
    assertThatThrownBy(() -> snapshots.find(null)).isInstanceOf(NepheleException.class);
  }

  @Test
  void aNameIsMadeOnce() throws Exception {
    Path path = snapshots.destination("a");
    Images.Hold hold = snapshots.reserve(path);
    assertThatThrownBy(() -> snapshots.reserve(path)).hasMessageContaining("being made");
    hold.close();
    snapshots.reserve(path).close();
    write(path);
    assertThatThrownBy(() -> snapshots.destination("a")).hasMessageContaining("exists");
  }
}
