package org.nephele.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nephele.core.protocol.NepheleException;

class StoreTest {
  @TempDir Path folder;

  @Test
  void onlyTheFoldersThatQemuNeedsCanBePassedThrough() throws Exception {
    Store store = Store.open(folder.resolve("nephele"));
    assertThat(mode(store.snapshots())).isEqualTo("rwx------");
    assertThat(mode(store.images())).isIn("rwx--x---", "rwx--x--x");
    assertThat(Store.open(folder.resolve("nephele")).images()).isEqualTo(store.images());
  }

  private static String mode(Path path) throws Exception {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  @Test
  void aWorkFolderIsGoneWhenItIsClosed() throws Exception {
    Store store = Store.open(folder.resolve("nephele"));
    Path dest = folder.resolve("dest.zip");
    Path part;
    Path work;
    try (WorkFolder open = store.work("test")) {
      work = open.path();
      part = open.beside(dest);
      Files.writeString(part, "half");
      Files.writeString(open.file("x"), "x");
    }
    assertThat(work).doesNotExist();
    assertThat(part).doesNotExist();
  }

  @Test
  void whatAKilledAgentLeftIsSwept() throws Exception {
    Store store = Store.open(folder.resolve("nephele"));
    WorkFolder left = store.work("test");
    Path part = left.beside(folder.resolve("dest.zip"));
    Files.writeString(part, "half");
    Files.writeString(left.file("x"), "x");

    store.sweep();

    assertThat(left.path()).doesNotExist();
    assertThat(part).doesNotExist();
  }

  @Test
  void oneThingThatCantBeRemovedKeepsNothingElse() throws Exception {
    Store store = Store.open(folder.resolve("nephele"));
    Path full = Files.createDirectory(folder.resolve("full"));
    Files.writeString(full.resolve("x"), "x");
    WorkFolder odd = store.work("test");
    Files.writeString(odd.file(Store.ELSEWHERE), full.toString());
    Files.writeString(store.work("test").file(Store.ELSEWHERE), "a\0b");
    WorkFolder good = store.work("test");
    Path part = good.beside(folder.resolve("two\rlines.zip"));
    Files.writeString(part, "half");

    store.sweep();

    assertThat(good.path()).doesNotExist();
    assertThat(part).doesNotExist();
    assertThat(full.resolve("x")).exists();
  }

  @Test
  void whatIsDiscardedIsOutOfSightAtOnce() throws Exception {
    Store store = Store.open(folder.resolve("nephele"));
    Path there = Files.createDirectory(store.instances().resolve("there"));
    Files.writeString(there.resolve("disk"), "x");
    try (WorkFolder doomed = store.discard(there)) {
      assertThat(there).doesNotExist();
      assertThat(doomed.path().resolve("there/disk")).exists();
    }
    store.discard(there).close();
    assertThat(store.tmp()).isEmptyDirectory();
  }

  @Test
  void linksAreRefused() throws Exception {
    Path root = Files.createDirectory(folder.resolve("nephele"));
    Files.createSymbolicLink(
        root.resolve("images"), Files.createDirectory(folder.resolve("big-disk")));
    assertThatThrownBy(() -> Store.open(root))
        .isInstanceOf(NepheleException.class)
        .hasMessageContaining("images is a symbolic link");
    Path link = Files.createSymbolicLink(folder.resolve("link"), folder.resolve("big-disk"));
    assertThatThrownBy(() -> Store.open(link)).hasMessageContaining("link is a symbolic link");
  }

  @Test
  void aPlaceWhereNothingCanBeWrittenIsFoundBefore() throws Exception {
    Path file = folder.resolve("x");
    NewFile.probe(file);
    assertThat(file).doesNotExist();
    assertThatThrownBy(() -> NewFile.probe(Path.of("/proc/x")))
        .isInstanceOf(NepheleException.class)
        .hasMessageContaining("No file can be made in /proc");
  }

  @Test
  void newFilesNeverReplaceOthers() throws Exception {
    Path there = Files.writeString(folder.resolve("there"), "old");
    assertThatThrownBy(() -> NewFile.check(there.toString()))
        .isInstanceOf(NepheleException.class)
        .hasMessageContaining("exists");
    Path temporary = Files.writeString(folder.resolve("temporary"), "new");
    assertThatThrownBy(() -> NewFile.publish(temporary, there))
        .isInstanceOf(NepheleException.class)
        .hasMessageContaining("exists");
    assertThat(there).hasContent("old");
    assertThatThrownBy(() -> NewFile.check("relative")).hasMessageContaining("absolute");
    assertThatThrownBy(() -> NewFile.check(folder + "/no/such")).hasMessageContaining("no folder");
    assertThatThrownBy(() -> NewFile.check("/x\0y")).hasMessageContaining("no path");
    assertThatThrownBy(() -> NewFile.check("/")).hasMessageContaining("absolute");
  }
}
