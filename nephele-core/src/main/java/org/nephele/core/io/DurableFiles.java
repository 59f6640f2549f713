package org.nephele.core.io;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;

/**
 * Changes to the file system that are either there after a crash, or not there at all: write under
 * a temporary name, fsync, rename, fsync the folder. Stateless.
 */
public final class DurableFiles {
  private DurableFiles() {}

  /**
   * Writes a whole small file, replacing what was there at once. The temporary name is the file's
   * with {@code .tmp} behind it.
   */
  public static void write(Path file, byte[] content) throws IOException {
    Path temporary = file.resolveSibling(file.getFileName() + ".tmp");
    try (FileChannel channel =
        FileChannel.open(
            temporary,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      ByteBuffer buffer = ByteBuffer.wrap(content);
      while (buffer.hasRemaining()) {
        channel.write(buffer);
      }
      channel.force(true);
    }
    Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
    syncFolder(file.toAbsolutePath().getParent());
  }

  /**
   * Gives a finished file or folder its final name, durably. Its content, and that of everything in
   * it, is flushed first.
   *
   * @throws FileAlreadyExistsException when the name is taken; a folder never replaces another
   */
  public static void publish(Path temporary, Path target) throws IOException {
    syncTree(temporary);
    if (Files.isDirectory(temporary, LinkOption.NOFOLLOW_LINKS)) {
      if (Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
        throw new FileAlreadyExistsException(target.toString());
      }
      Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
    } else {
      publishFile(temporary, target);
    }
    syncFolder(target.toAbsolutePath().getParent());
  }

  /** A rename would replace a file of that name; a hard link never does. */
  private static void publishFile(Path temporary, Path target) throws IOException {
    try {
      Files.createLink(target, temporary);
    } catch (FileAlreadyExistsException e) {
      throw e;
    } catch (FileSystemException | UnsupportedOperationException e) {
      // vfat, exfat and some network file systems have no links. There is an instant left in which
      // another file of that name could be replaced.
      if (Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
        throw new FileAlreadyExistsException(target.toString());
      }
      Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
      return;
    }
    Files.delete(temporary);
  }

  /** Flushes a file, or a folder with everything in it. Symbolic links are not followed. */
  public static void syncTree(Path path) throws IOException {
    try (var tree = Files.walk(path)) {
      for (Path each : (Iterable<Path>) tree::iterator) {
        if (Files.isRegularFile(each, LinkOption.NOFOLLOW_LINKS)
            || Files.isDirectory(each, LinkOption.NOFOLLOW_LINKS)) {
          syncFolder(each);
        }
      }
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  /**
   * Flushes a folder's names (Linux lets a folder be opened for reading and fsynced). Works on
   * files, too.
   */
  public static void syncFolder(Path folder) throws IOException {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /**
   * Removes a file or a folder with everything in it, and makes that durable. What isn't there is
   * fine. Symbolic links are removed, not followed.
   */
  public static void deleteTree(Path path) throws IOException {
    if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    Files.walkFileTree(
        path,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.deleteIfExists(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
            if (e instanceof NoSuchFileException) {
              return FileVisitResult.CONTINUE;
            }
            throw e;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path folder, IOException e) throws IOException {
            if (e != null) {
              throw e;
            }
            Files.deleteIfExists(folder);
            return FileVisitResult.CONTINUE;
          }
        });
    syncFolder(path.toAbsolutePath().getParent());
  }
}
