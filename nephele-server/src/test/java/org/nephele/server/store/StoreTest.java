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
