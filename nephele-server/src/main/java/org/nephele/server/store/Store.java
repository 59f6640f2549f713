package org.nephele.server.store;

import java.io.IOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.util.List;
import java.util.Optional;
import org.nephele.core.io.DurableFiles;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
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
   * @throws NepheleException REFUSED when the folders are links, or on more than one file system
   */
  public static Store open(Path root) throws NepheleException, IOException {
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
    for (Path folder : List.of(store.images(), store.instances(), store.snapshots())) {
      store.requireRename(folder);
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

  private void folder(Path folder, String mode) throws NepheleException, IOException {
    if (Files.isSymbolicLink(folder)) {
      throw new NepheleException(
          ErrorKind.REFUSED,
          folder
              + " is a symbolic link, which QEMU is not allowed to follow: mount the other place on "
              + root
              + " instead.");
    }
    Files.createDirectories(folder);
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString(mode));
  }

  /** Things are made in tmp and renamed, which works within one mounted file system only. */
  private void requireRename(Path folder) throws NepheleException, IOException {
    Path probe = Files.createTempFile(tmp(), "probe", "");
    Path target = folder.resolve("." + probe.getFileName());
    try {
      Files.move(probe, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      throw new NepheleException(
          ErrorKind.REFUSED,
          folder
              + " and "
              + tmp()
              + " are not on the same mounted file system, as all of "
              + root
              + " must be: mount one there.",
          e);
    } finally {
      Files.deleteIfExists(probe);
      Files.deleteIfExists(target);
    }
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
   * Takes a folder of the store out of sight at once, so that it is never found half removed.
   *
   * @return what holds it now; closing it removes it. Empty when the folder wasn't there
   */
  public WorkFolder discard(Path folder) throws IOException {
    WorkFolder doomed = work("removed");
    try {
      Files.move(
          folder, doomed.file(folder.getFileName().toString()), StandardCopyOption.ATOMIC_MOVE);
      DurableFiles.syncFolder(folder.getParent());
    } catch (NoSuchFileException e) {
      log.debug("{} is gone already", folder);
    } catch (IOException e) {
      doomed.close();
      throw e;
    }
    return doomed;
  }

  /**
   * Removes what work that never ended left. Only at the start of the agent, when nothing works.
   * What can't be removed is logged, and tried again at the next start.
   */
  public void sweep() throws IOException {
    try (var left = Files.newDirectoryStream(tmp())) {
      for (Path each : left) {
        log.info("Removing {}, left by work that never ended", each);
        try {
          Path elsewhere = each.resolve(ELSEWHERE);
          if (Files.isRegularFile(elsewhere)) {
            Files.deleteIfExists(Path.of(Files.readString(elsewhere)));
          }
          DurableFiles.deleteTree(each);
        } catch (IOException | InvalidPathException e) {
          log.warn("{} can't be removed", each, e);
        }
      }
    }
  }
}
