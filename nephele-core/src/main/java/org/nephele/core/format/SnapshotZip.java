package org.nephele.core.format;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/** A snapshot for reading; everything in it is taken for hostile. For one thread. */
public final class SnapshotZip implements Closeable {
  private static final String DISK_DELTA = "disk.delta";
  private static final String MEMORY_DELTA = "memory.delta";

  private final ZipFile zip;
  private final SnapshotManifest manifest;

  private SnapshotZip(ZipFile zip, SnapshotManifest manifest) {
    this.zip = zip;
    this.manifest = manifest;
  }

  /**
   * Opens a snapshot and reads its manifest.
   *
   * @throws FormatException when it is none
   */
  public static SnapshotZip open(Path file) throws IOException {
    ZipFile zip = ZipEntries.open(file);
    try {
      byte[] json = ZipEntries.readSmall(zip, ZipEntries.MANIFEST, ManifestJson.MOST);
      return new SnapshotZip(zip, SnapshotManifest.parse(json));
    } catch (IOException | RuntimeException e) {
      zip.close();
      throw e;
    }
  }

  public SnapshotManifest manifest() {
    return manifest;
  }

  /** At most {@link ImageManifest#MOST_DEVICE_STATE} bytes. */
  public byte[] deviceState() throws IOException {
    return ZipEntries.readSmall(zip, ZipEntries.DEVICE_STATE, ImageManifest.MOST_DEVICE_STATE);
  }

  public DeltaReader disk() throws IOException {
    return delta(DISK_DELTA, manifest.diskBytes());
  }

  public DeltaReader memory() throws IOException {
    return delta(MEMORY_DELTA, manifest.memoryBytes());
  }

  private DeltaReader delta(String name, long bytes) throws IOException {
    InputStream in = new BufferedInputStream(ZipEntries.stream(zip, name), 1 << 16);
    return new DeltaReader(in, Pages.count(bytes));
  }

  @Override
  public void close() throws IOException {
    zip.close();
  }

  /** Writes a delta, {@link DeltaWriter#finish} aside. */
  @FunctionalInterface
  public interface DeltaSource {
    void write(DeltaWriter delta) throws IOException;
  }

  /**
   * Writes a snapshot, from its start to its end.
   *
   * @param file does not exist yet
   * @return the pages that the two deltas hold
   */
  public static Counts write(
      Path file,
      SnapshotManifest manifest,
      byte[] deviceState,
      DeltaSource disk,
      DeltaSource memory)
      throws IOException {
    try (ZipOutputStream zip =
        new ZipOutputStream(
            new BufferedOutputStream(
                Files.newOutputStream(file, StandardOpenOption.CREATE_NEW), 1 << 16))) {
      zip.setLevel(Deflater.BEST_SPEED);
      ZipEntries.writeSmall(zip, ZipEntries.MANIFEST, manifest.toJson());
      ZipEntries.writeSmall(zip, ZipEntries.DEVICE_STATE, deviceState);
      DeltaWriter diskDelta = writeDelta(zip, DISK_DELTA, disk);
      DeltaWriter memoryDelta = writeDelta(zip, MEMORY_DELTA, memory);
      return new Counts(
          diskDelta.contentPages(),
          diskDelta.zeroPages(),
          memoryDelta.contentPages(),
          memoryDelta.zeroPages());
    }
  }

  /** Pages in the deltas: with content, and all zeros. */
  public record Counts(long disk, long diskZero, long memory, long memoryZero) {}

  private static DeltaWriter writeDelta(ZipOutputStream zip, String name, DeltaSource source)
      throws IOException {
    zip.putNextEntry(new ZipEntry(name));
    DeltaWriter delta = new DeltaWriter(new BufferedOutputStream(zip, 1 << 16));
    source.write(delta);
    delta.finish();
    zip.closeEntry();
    return delta;
  }
}
