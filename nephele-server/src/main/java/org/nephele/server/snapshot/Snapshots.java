package org.nephele.server.snapshot;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.nephele.core.format.FormatException;
import org.nephele.core.format.SnapshotManifest;
import org.nephele.core.format.SnapshotZip;
import org.nephele.core.io.DurableFiles;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.JsonLines;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.image.Images;
import org.nephele.server.operation.Work;
import org.nephele.server.store.NewFile;
import org.nephele.server.store.Store;
import org.nephele.server.store.WorkFolder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The snapshots of this node: the files below /var/nephele/snapshots, and those that were written
 * to other places, of which a small file below .known reminds us. Thread-safe.
 */
public final class Snapshots {
  private static final Logger log = LoggerFactory.getLogger(Snapshots.class);
  private static final String SUFFIX = ".zip";
  private static final Duration RETRY = Duration.ofSeconds(5);

  private final Store store;
  private final String node;
  private final Set<Path> reserved = new HashSet<>();

  /** What a file below .known says. */
  private record Known(String path) {}

  /**
   * @param node this node's name, for messages
   */
  public Snapshots(Store store, String node) {
    this.store = store;
    this.node = node;
  }

  private Path known() {
    return store.snapshots().resolve(".known");
  }

  /** All that can be read, by path. */
  public List<Api.Snapshot> list() throws IOException {
    Set<Path> paths = new TreeSet<>();
    try (var files = Files.newDirectoryStream(store.snapshots(), "*" + SUFFIX)) {
      files.forEach(paths::add);
    }
    if (Files.isDirectory(known())) {
      try (var files = Files.newDirectoryStream(known(), "*.json")) {
        for (Path file : files) {
          addKnown(file, paths);
        }
      }
    }
    List<Api.Snapshot> snapshots = new ArrayList<>();
    for (Path path : paths) {
      try (SnapshotZip zip = SnapshotZip.open(path)) {
        SnapshotManifest manifest = zip.manifest();
        snapshots.add(
            new Api.Snapshot(
                path.toString(), manifest.imageId(), manifest.created(), Files.size(path)));
      } catch (IOException e) {
        log.warn("{} is left out of the list of snapshots: {}", path, e.toString());
      }
    }
    return snapshots;
  }

  private static void addKnown(Path file, Set<Path> paths) throws IOException {
    try {
      Path path = Path.of(JsonLines.json().readValue(Files.readAllBytes(file), Known.class).path());
      // It may lie on something that isn't mounted now: left out, not forgotten.
      if (Files.exists(path)) {
        paths.add(path);
      }
    } catch (JsonProcessingException | InvalidPathException | NullPointerException e) {
      log.warn("{} is no reminder of a snapshot: {}", file, e.toString());
    }
  }

  /**
   * The file of a new snapshot.
   *
   * @param dest an absolute path, or a name below /var/nephele/snapshots; {@code .zip} is added
   *     where it is missing
   * @throws NepheleException USAGE, NOT_FOUND (no such folder), REFUSED (it exists)
   */
  Path destination(String dest) throws NepheleException {
    if (dest == null || dest.isBlank()) {
      throw new NepheleException(ErrorKind.USAGE, "A snapshot needs a name.");
    }
    return NewFile.check(withFolder(dest.endsWith(SUFFIX) ? dest : dest + SUFFIX));
  }

  private String withFolder(String name) throws NepheleException {
    if (name.startsWith("/")) {
      return name;
    }
    if (name.startsWith(".") || name.indexOf('/') >= 0) {
      throw new NepheleException(
          ErrorKind.USAGE,
          "A snapshot is given by an absolute path, or by a name below "
              + store.snapshots()
              + " that doesn't begin with a dot, not '"
              + name
              + "'.");
    }
    try {
      return store.snapshots().resolve(name).toString();
    } catch (InvalidPathException e) {
      throw new NepheleException(ErrorKind.USAGE, "'" + name + "' is no path.", e);
    }
  }

  /**
   * Finds a snapshot for a person.
   *
   * @param snapshot an absolute path, or a name below /var/nephele/snapshots with or without {@code
   *     .zip}
   * @throws NepheleException NOT_FOUND or USAGE
   */
  public Path find(String snapshot) throws NepheleException {
    if (snapshot == null || snapshot.isBlank()) {
      throw new NepheleException(ErrorKind.USAGE, "A snapshot must be given.");
    }
    try {
      for (String name : List.of(snapshot, snapshot + SUFFIX)) {
        Path path = Path.of(withFolder(name)).normalize();
        if (Files.isRegularFile(path)) {
          return path;
        }
      }
    } catch (InvalidPathException e) {
      throw new NepheleException(ErrorKind.USAGE, "'" + snapshot + "' is no path.", e);
    }
    throw new NepheleException(
        ErrorKind.NOT_FOUND,
        "There is no snapshot '"
            + snapshot
            + "' on "
            + node
            + "; 'snapshot ls' shows what there is.");
  }

  /**
   * Opens a snapshot for reading.
   *
   * @throws NepheleException REFUSED when it is none that this version reads
   */
  public SnapshotZip open(Path path) throws NepheleException, IOException {
    try {
      return SnapshotZip.open(path);
    } catch (FormatException e) {
      throw damaged(path, e);
    }
  }

  /** The sentence for a snapshot that turned out to be broken. */
  public NepheleException damaged(Path path, FormatException e) {
    return new NepheleException(
        ErrorKind.REFUSED, "The snapshot " + path + " can't be used: " + e.getMessage() + ".", e);
  }

  /**
   * Keeps a file's name for a snapshot that is about to be made.
   *
   * @throws NepheleException BUSY
   */
  synchronized Images.Hold reserve(Path path) throws NepheleException {
    if (!reserved.add(path)) {
      throw new NepheleException(
          ErrorKind.BUSY, "The snapshot " + path + " is being made on " + node + " right now.");
    }
    return () -> {
      synchronized (this) {
        reserved.remove(path);
      }
    };
  }

  /** Writes a snapshot into a file that does not exist yet. */
  @FunctionalInterface
  interface Writer {
    Api.Snapshot write(Path file) throws NepheleException, IOException;
  }

  /**
   * Writes a snapshot, and gives it its name. The VM is gone by then, so this doesn't give up
   * easily: what can't be written there is kept below /var/nephele/snapshots.
   *
   * @param part beside the destination
   * @throws NepheleException FAILED when it had to be kept in another place, which the message
   *     names; CANCELLED
   */
  Api.Snapshot keep(Work work, WorkFolder folder, Path part, Path dest, Writer writer)
      throws NepheleException, IOException {
    try {
      Api.Snapshot made = writer.write(part);
      work.phase("publishing");
      // First: a reminder of what isn't there does no harm.
      remember(dest);
      NewFile.publish(part, dest);
      return made;
    } catch (NepheleException | IOException e) {
      work.checkCancelled();
      log.warn("The snapshot {} can't be written; it is kept elsewhere", dest, e);
      Path kept;
      try {
        Files.deleteIfExists(part);
        kept = keepHere(work, folder.file("snapshot" + SUFFIX), dest, writer);
      } catch (NepheleException | IOException second) {
        second.addSuppressed(e);
        throw second;
      }
      throw new NepheleException(
          ErrorKind.FAILED,
          "The snapshot can't be written to "
              + dest
              + ": "
              + (e instanceof NepheleException ? e.getMessage() : e.toString())
              + (e instanceof NepheleException ? "" : ".")
              + " Nothing is lost: it is "
              + kept
              + " on "
              + node
              + " instead.",
          e);
    }
  }

  private Path keepHere(Work work, Path part, Path dest, Writer writer)
      throws NepheleException, IOException {
    while (true) {
      try {
        Files.deleteIfExists(part);
        writer.write(part);
        break;
      } catch (IOException e) {
        work.checkCancelled();
        if (!lacksRoom(e)) {
          throw e;
        }
        work.phase(
            "stopped",
            "There is no room for the snapshot "
                + dest
                + " on "
                + node
                + ", not even in "
                + store.snapshots()
                + ": make some, and it goes on by itself.");
        work.await(RETRY, () -> false);
      }
    }
    String name = dest.getFileName().toString();
    String stem = name.substring(0, name.length() - SUFFIX.length()).replaceFirst("^\\.+", "");
    for (int i = 1; ; i++) {
      Path kept = store.snapshots().resolve(stem + "_" + i + SUFFIX);
      try {
        DurableFiles.publish(part, kept);
        return kept;
      } catch (FileAlreadyExistsException e) {
        log.debug("{} is another one", kept);
      }
    }
  }

  private static boolean lacksRoom(IOException e) {
    String text = String.valueOf(e.getMessage());
    return text.contains("No space left on device") || text.contains("Disk quota exceeded");
  }

  /** Remembers a snapshot that may lie elsewhere. */
  void remember(Path path) throws IOException {
    if (path.getParent().equals(store.snapshots())) {
      return;
    }
    Files.createDirectories(known());
    DurableFiles.write(
        known().resolve(nameFor(path) + ".json"),
        JsonLines.json().writeValueAsBytes(new Known(path.toString())));
  }

  private static String nameFor(Path path) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256")
              .digest(path.toString().getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(hash, 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
