package org.nephele.server.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
import org.nephele.server.store.Store;

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

  @Test
  void namesGoBelowTheStoreAndPathsWhereTheySay() throws Exception {
    assertThat(snapshots.destination("a")).isEqualTo(store.snapshots().resolve("a.zip"));
    assertThat(snapshots.destination("a b.zip")).isEqualTo(store.snapshots().resolve("a b.zip"));
    assertThat(snapshots.destination(folder + "/x")).isEqualTo(folder.resolve("x.zip"));
    for (String wrong : new String[] {"", " ", "../a", "a/b", ".a", "/no/such/folder/x", "a\nb"}) {
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
