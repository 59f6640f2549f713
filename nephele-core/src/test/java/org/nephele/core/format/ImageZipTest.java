package org.nephele.core.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageZipTest {
  @TempDir Path folder;
  private Path image;
  private Path zip;
  private ImageManifest manifest;

  @BeforeEach
  void anImage() throws IOException {
    image = Files.createDirectory(folder.resolve("image"));
    zip = folder.resolve("image.zip");
    byte[] disk = DeltaTest.randomPages(new Random(1), 600, new byte[600 * Pages.SIZE + 512]);
    Files.write(image.resolve(ImageZip.DISK), disk);
    Files.write(image.resolve(ImageZip.MEMORY), new byte[64 * Pages.SIZE]);
    Files.writeString(image.resolve(ImageZip.DEVICE_STATE), "device state");
    Files.writeString(image.resolve(ImageZip.DOMAIN), "<domain/>");
    manifest =
        ImageManifest.of(
            "tiny.img",
            "/root/tiny.img",
            Instant.parse("2026-01-02T03:04:05Z"),
            content(ImageZip.DISK),
            content(ImageZip.MEMORY),
            content(ImageZip.DEVICE_STATE),
            content(ImageZip.DOMAIN),
            new Machine("pc-i440fx-7.2", "Westmere", "7.2.22", 1, 131072));
  }

  private Content content(String name) throws IOException {
    return Hasher.hash(image.resolve(name), bytes -> {});
  }

  @Test
  void whatWasExportedIsImportedByteForByte() throws IOException {
    ImageZip.write(manifest, image, zip, bytes -> {});

    long[] reported = {0};
    Path target = Files.createDirectory(folder.resolve("target"));
    ImageManifest found = ImageZip.extract(zip, target, bytes -> reported[0] += bytes);

    assertThat(found).isEqualTo(manifest);
    assertThat(ImageZip.manifest(zip)).isEqualTo(manifest);
    assertThat(reported[0]).isEqualTo(ImageZip.bytes(manifest));
    for (String name : new String[] {ImageZip.DISK, ImageZip.MEMORY, ImageZip.DEVICE_STATE}) {
      assertThat(target.resolve(name)).hasSameBinaryContentAs(image.resolve(name));
    }
    assertThat(found.id()).isEqualTo(manifest.disk().sha256().substring(0, 12));
  }

  @Test
  void theManifestComesFirst() throws IOException {
    ImageZip.write(manifest, image, zip, bytes -> {});
    try (ZipFile file = new ZipFile(zip.toFile())) {
      assertThat(file.entries().nextElement().getName()).isEqualTo("manifest.json");
    }
  }

  @Test
  void zerosAreHolesAgain() throws Exception {
    try (RandomAccessFile file = new RandomAccessFile(image.resolve("memory.raw").toFile(), "rw")) {
      file.setLength(64 << 20);
    }
    manifest = withFiles();
    ImageZip.write(manifest, image, zip, bytes -> {});
    Path target = Files.createDirectory(folder.resolve("target"));
    ImageZip.extract(zip, target, bytes -> {});

    Process du =
        new ProcessBuilder("du", "--block-size=1", target.resolve("memory.raw").toString()).start();
    String used = new String(du.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(Long.parseLong(used.split("\t")[0])).isLessThan(1 << 16);
    assertThat(target.resolve("memory.raw")).hasSize(64 << 20);
  }

  private ImageManifest withFiles() throws IOException {
    return ImageManifest.of(
        "tiny.img",
        "/root/tiny.img",
        Instant.parse("2026-01-02T03:04:05Z"),
        content(ImageZip.DISK),
        content(ImageZip.MEMORY),
        content(ImageZip.DEVICE_STATE),
        content(ImageZip.DOMAIN),
        manifest.machine());
  }

  @Test
  void aDamagedFileOfTheImageIsNotExported() throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(image.resolve("disk.raw").toFile(), "rw")) {
      file.seek(1000);
      file.write(1);
    }
    assertThatThrownBy(() -> ImageZip.write(manifest, image, zip, bytes -> {}))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("disk.raw is damaged");
  }

  @Test
  void aZipWithOtherContentThanItsManifestSaysIsRefused() throws IOException {
    Map<String, byte[]> entries = entries();
    entries.get("disk.raw")[5000] ^= 1;
    assertRefused(entries, "disk.raw is damaged");

    entries = entries();
    entries.put("memory.raw", new byte[65 * Pages.SIZE]);
    assertRefused(entries, "more than its manifest says");

    entries = entries();
    entries.put("memory.raw", new byte[63 * Pages.SIZE]);
    assertRefused(entries, "memory.raw is damaged");

    entries = entries();
    entries.remove("device.state");
    assertRefused(entries, "has no device.state");
  }

  @Test
  void aManifestThatContradictsItselfIsRefused() throws IOException {
    String json = new String(manifest.toJson(), StandardCharsets.UTF_8);
    assertRefusedManifest(json.replace(manifest.id(), "0123456789ab"), "contradicts");
    assertRefusedManifest(json.replace("\"version\" : 0", "\"version\" : 1"), "version 1");
    assertRefusedManifest(json.replace("nephele image", "something"), "no nephele image");
    assertRefusedManifest(json.replace("tiny.img\",", "../etc\","), "no name");
    assertRefusedManifest(json.replace("tiny.img\",", ".hidden\","), "no name");
    assertRefusedManifest(json.replace("2026-01", "2026-99"), "time of creation");
    assertRefusedManifest(json.replace("" + 64 * Pages.SIZE, "-1"), "no size");
    assertRefusedManifest(json.replace("" + 64 * Pages.SIZE, "1e99"), "can't be read");
    assertRefusedManifest("[]", "no nephele image");
    assertRefusedManifest("{", "can't be read");
    assertRefusedManifest(" ".repeat(2 << 20), "longer than");
  }

  @Test
  void whatIsNoZipIsRefused() throws IOException {
    Files.writeString(zip, "no zip");
    assertThatThrownBy(() -> ImageZip.manifest(zip)).isInstanceOf(FormatException.class);
    ImageZip.write(manifest, image, folder.resolve("whole.zip"), bytes -> {});
    byte[] whole = Files.readAllBytes(folder.resolve("whole.zip"));
    Files.write(zip, Arrays.copyOf(whole, whole.length / 2));
    assertThatThrownBy(() -> ImageZip.manifest(zip))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("no complete zip");
  }

  private void assertRefusedManifest(String json, String why) throws IOException {
    Map<String, byte[]> entries = entries();
    entries.put("manifest.json", json.getBytes(StandardCharsets.UTF_8));
    assertRefused(entries, why);
  }

  private Map<String, byte[]> entries() throws IOException {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    entries.put("manifest.json", manifest.toJson());
    for (String name : new String[] {"domain.xml", "device.state", "memory.raw", "disk.raw"}) {
      entries.put(name, Files.readAllBytes(image.resolve(name)));
    }
    return entries;
  }

  private void assertRefused(Map<String, byte[]> entries, String why) throws IOException {
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(zip))) {
      for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
        out.putNextEntry(new ZipEntry(entry.getKey()));
        out.write(entry.getValue());
        out.closeEntry();
      }
    }
    Path target = Files.createTempDirectory(folder, "target");
    assertThatThrownBy(() -> ImageZip.extract(zip, target, bytes -> {}))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining(why);
  }
}
