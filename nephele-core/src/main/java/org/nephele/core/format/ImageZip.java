package org.nephele.core.format;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * An image as one file: a zip (zip64 where needed) with the image's five files under their own
 * names, the manifest first, so that common tools can look into it. Stateless.
 */
public final class ImageZip {
  /** The files of an image, in its folder and in the zip. */
  public static final String MANIFEST = ZipEntries.MANIFEST;

  public static final String DOMAIN = ZipEntries.DOMAIN;
  public static final String DEVICE_STATE = ZipEntries.DEVICE_STATE;
  public static final String MEMORY = "memory.raw";
  public static final String DISK = "disk.raw";

  private ImageZip() {}

  /** The files behind the manifest, in the order of the zip. */
  private static Map<String, Content> files(ImageManifest manifest) {
    Map<String, Content> files = new LinkedHashMap<>();
    files.put(DOMAIN, manifest.domain());
    files.put(DEVICE_STATE, manifest.deviceState());
    files.put(MEMORY, manifest.memory());
    files.put(DISK, manifest.disk());
    return files;
  }

  /** How many bytes {@link #write} and {@link #extract} report in all. */
  public static long bytes(ImageManifest manifest) {
    return files(manifest).values().stream().mapToLong(Content::bytes).sum();
  }

  /**
   * Writes the zip. What the files hold is compared with the manifest on the way.
   *
   * @param folder the image's
   * @param zip a file that does not exist
   * @throws FormatException when a file of the image is damaged
   */
  public static void write(ImageManifest manifest, Path folder, Path zip, Hasher.Progress progress)
      throws IOException {
    try (OutputStream out = Files.newOutputStream(zip, StandardOpenOption.CREATE_NEW);
        ZipOutputStream entries = new ZipOutputStream(new BufferedOutputStream(out, 1 << 16))) {
      entries.setLevel(Deflater.BEST_SPEED);
      ZipEntries.writeSmall(entries, MANIFEST, manifest.toJson());
      for (Map.Entry<String, Content> file : files(manifest).entrySet()) {
        entries.putNextEntry(new ZipEntry(file.getKey()));
        try (InputStream in = Files.newInputStream(folder.resolve(file.getKey()))) {
          Content content = Hasher.copy(in, entries, file.getValue().bytes(), progress);
          expect(file.getKey(), file.getValue(), content);
        }
        entries.closeEntry();
      }
    }
  }

  /** Reads the manifest alone. */
  public static ImageManifest manifest(Path zip) throws IOException {
    try (ZipFile entries = ZipEntries.open(zip)) {
      return manifest(entries);
    }
  }

  private static ImageManifest manifest(ZipFile entries) throws IOException {
    return ImageManifest.parse(ZipEntries.readSmall(entries, MANIFEST, ManifestJson.MOST));
  }

  /**
   * Unpacks the zip, and checks all of it.
   *
   * @param folder empty; files are new in it, with holes where there are zeros. The manifest is not
   *     written
   * @throws FormatException when anything is not what the manifest says
   */
  public static ImageManifest extract(Path zip, Path folder, Hasher.Progress progress)
      throws IOException {
    try (ZipFile entries = ZipEntries.open(zip)) {
      ImageManifest manifest = manifest(entries);
      for (Map.Entry<String, Content> file : files(manifest).entrySet()) {
        try (InputStream in = ZipEntries.stream(entries, file.getKey())) {
          Path target = folder.resolve(file.getKey());
          Content content = Hasher.copySparse(in, target, file.getValue().bytes(), progress);
          expect(file.getKey(), file.getValue(), content);
        }
      }
      return manifest;
    }
  }

  private static void expect(String name, Content expected, Content found) throws FormatException {
    if (!expected.equals(found)) {
      throw new FormatException(
          "its " + name + " is damaged: the SHA-256 is not the one in its manifest");
    }
  }
}
