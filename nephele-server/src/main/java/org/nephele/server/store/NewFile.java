package org.nephele.server.store;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.nephele.core.io.DurableFiles;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A file that a person wants to have written somewhere on the node. Stateless. */
public final class NewFile {
  private static final Logger log = LoggerFactory.getLogger(NewFile.class);

  private NewFile() {}

  /**
   * That a file of this name can be made.
   *
   * @return the path, normalized
   * @throws NepheleException USAGE, NOT_FOUND or REFUSED
   */
  public static Path check(String text) throws NepheleException {
    Path path;
    try {
      path = Path.of(text == null ? "" : text).normalize();
    } catch (InvalidPathException e) {
      throw new NepheleException(ErrorKind.USAGE, "'" + text + "' is no path.", e);
    }
    if (!path.isAbsolute() || path.getFileName() == null || text.indexOf('\n') >= 0) {
      throw new NepheleException(
          ErrorKind.USAGE, "The path of a new file must be absolute, not '" + text + "'.");
    }
    if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      throw taken(path, null);
    }
    if (!Files.isDirectory(path.getParent())) {
      throw new NepheleException(
          ErrorKind.NOT_FOUND,
          "There is no folder " + path.getParent() + " on this node (paths are the node's).");
    }
    return path;
  }

  /**
   * That a file can be written there, by doing it. Leaves nothing.
   *
   * @throws NepheleException REFUSED
   */
  public static void probe(Path file) throws NepheleException {
    try {
      Files.delete(Files.createFile(file));
    } catch (IOException e) {
      throw new NepheleException(
          ErrorKind.REFUSED,
          "No file can be made in " + file.getParent() + ": " + e + "; nothing was started.",
          e);
    }
  }

  /**
   * Gives a finished file its name, durably.
   *
   * @throws NepheleException REFUSED when somebody else took the name meanwhile
   */
  public static void publish(Path temporary, Path path) throws NepheleException, IOException {
    try {
      DurableFiles.publish(temporary, path);
    } catch (FileAlreadyExistsException e) {
      throw taken(path, e);
    }
  }

  /**
   * Keeps a file with a VM's secrets from other users. Where the file system has no modes (vfat),
   * that is up to who mounted it.
   */
  public static void restrict(Path file) throws IOException {
    try {
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    } catch (FileSystemException | UnsupportedOperationException e) {
      log.warn("{} can't be kept from other users of this node: {}", file, e.toString());
    }
  }

  private static NepheleException taken(Path path, Exception cause) {
    return new NepheleException(
        ErrorKind.REFUSED,
        path + " exists on this node already and is left as it is: choose another name.",
        cause);
  }
}
