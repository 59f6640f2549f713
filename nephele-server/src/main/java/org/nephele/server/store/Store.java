package org.nephele.server.store;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.util.List;
import java.util.Optional;
import org.nephele.core.io.DurableFiles;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Where everything lies. Thread-safe. */
public final class Store {
  private static final Logger log = LoggerFactory.getLogger(Store.class);

  /** The groups that distributions run QEMU in: Debian and Ubuntu; Fedora, SUSE and Arch. */
  private static final List<String> QEMU_GROUPS = List.of("libvirt-qemu", "qemu");

  static final String ELSEWHERE = "elsewhere";

  private final Path root;

  private Store(Path root) {
    this.root = root;
  }

  /**
   * Makes the folders that are missing, and sets their modes.
   *
   * @param root {@code /var/nephele}; absolute
   */
  public static Store open(Path root) throws IOException {
    Store store = new Store(root);
    store.folder(root, "rwx--x--x");
    store.folder(store.snapshots(), "rwx------");
    store.folder(store.logs(), "rwxr-x---");
    Optional<GroupPrincipal> group = qemuGroup();
    for (Path folder : List.of(store.images(), store.instances(), store.tmp())) {
      store.folder(folder, group.isPresent() ? "rwx--x---" : "rwx--x--x");
      if (group.isPresent()) {
        Files.getFileAttributeView(folder, PosixFileAttributeView.class).setGroup(group.get());
      }
    }
    if (group.isEmpty()) {
      log.warn(
          "There is no group of QEMU's on this node (looked for {}): local users who know its name"
              + " can open an image's disk below {}",
          QEMU_GROUPS,
          root);
    }
    return store;
  }

  private static Optional<GroupPrincipal> qemuGroup() throws IOException {
    for (String name : QEMU_GROUPS) {
      try {
        return Optional.of(
            Path.of("/")
                .getFileSystem()
                .getUserPrincipalLookupService()
                .lookupPrincipalByGroupName(name));
      } catch (UserPrincipalNotFoundException e) {
        log.debug("no group {}", name);
      }
    }
    return Optional.empty();
  }

  private void folder(Path folder, String mode) throws IOException {
    Files.createDirectories(folder);
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString(mode));
  }

  public Path images() {
    return root.resolve("images");
  }

  public Path snapshots() {
    return root.resolve("snapshots");
  }

  public Path instances() {
    return root.resolve("instances");
  }

  public Path logs() {
    return root.resolve("logs");
  }

  Path tmp() {
    return root.resolve("tmp");
  }

  /**
   * A new folder for work in progress, which QEMU's user can reach files in.
   *
   * @param what begins its name
   */
  public WorkFolder work(String what) throws IOException {
    Path folder = Files.createTempDirectory(tmp(), what + "-");
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
    return new WorkFolder(folder);
  }

  /**
   * Removes what work that never ended left. Only at the start of the agent, when nothing works.
   */
  public void sweep() throws IOException {
    try (var folders = Files.newDirectoryStream(tmp())) {
      for (Path folder : folders) {
        log.info("Removing {}, left by work that never ended", folder);
        Path elsewhere = folder.resolve(ELSEWHERE);
        if (Files.isRegularFile(elsewhere)) {
          for (String line : Files.readAllLines(elsewhere, StandardCharsets.UTF_8)) {
            Files.deleteIfExists(Path.of(line));
          }
        }
        DurableFiles.deleteTree(folder);
      }
    }
  }
}
