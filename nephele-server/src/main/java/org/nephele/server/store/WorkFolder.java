package org.nephele.server.store;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.nephele.core.io.DurableFiles;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A folder that is gone when it is closed, or when the agent starts next. For one thread. */
public final class WorkFolder implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(WorkFolder.class);

  private final Path folder;
  private Path elsewhere;

  WorkFolder(Path folder) {
    this.folder = folder;
  }

  public Path path() {
    return folder;
  }

  public Path file(String name) {
    return folder.resolve(name);
  }

  /** Makes a folder in it, which QEMU's user can reach files in whatever the umask. */
  public Path folder(String name) throws IOException {
    Path made = Files.createDirectory(folder.resolve(name));
    Files.setPosixFilePermissions(made, PosixFilePermissions.fromString("rwx--x--x"));
    return made;
  }

  /**
   * The temporary name for a file that must be written in another folder, since a rename does not
   * cross file systems. It is removed with this folder; one a work folder.
   *
   * @param target the file's name in the end
   */
  public Path beside(Path target) throws IOException {
    elsewhere = target.resolveSibling("." + folder.getFileName() + ".part");
    DurableFiles.write(
        file(Store.ELSEWHERE), elsewhere.toString().getBytes(StandardCharsets.UTF_8));
    return elsewhere;
  }

  @Override
  public void close() {
    try {
      if (elsewhere != null) {
        Files.deleteIfExists(elsewhere);
      }
      DurableFiles.deleteTree(folder);
    } catch (IOException e) {
      // The next start tries again; what was asked for has been done, or has its own error.
      log.warn("Removing {} failed", folder, e);
    }
  }
}
