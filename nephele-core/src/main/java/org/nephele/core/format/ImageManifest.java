package org.nephele.core.format;

import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.regex.Pattern;

/**
 * What an image is. Stored beside its files and first in an exported zip.
 *
 * @param id the first 12 hex digits of the disk's SHA-256; for people, and not unique
 * @param name of its folder on the node
 * @param source the path it was built from
 * @param created RFC 3339, UTC
 * @param content SHA-256 over the hashes of disk, memory and device state; two images with the same
 *     are the same
 */
public record ImageManifest(
    String id,
    String name,
    String source,
    String created,
    Content disk,
    Content memory,
    Content deviceState,
    Content domain,
    String content,
    Machine machine) {
  static final String KIND = "nephele image";
  static final int VERSION = 0;

  /**
   * The longest device state that is read, bytes: what {@link
   * org.nephele.core.qemu.DeviceState#MOST_DEVICES} allows, and a bit for each page of 256 GiB.
   * Whoever parses one has it in memory twice for a moment.
   */
  public static final long MOST_DEVICE_STATE = 40 << 20;

  /** The longest domain that is read, bytes. */
  public static final long MOST_DOMAIN = 1 << 20;

  private static final long MOST_DISK = 1L << 46;
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}");

  /** Works out {@code id} and {@code content}. */
  public static ImageManifest of(
      String name,
      String source,
      Instant created,
      Content disk,
      Content memory,
      Content deviceState,
      Content domain,
      Machine machine) {
    return new ImageManifest(
        disk.sha256().substring(0, 12),
        name,
        source,
        created.toString(),
        disk,
        memory,
        deviceState,
        domain,
        Content.joined(disk, memory, deviceState),
        machine);
  }

  /** Whether a text may be the name of an image: a plain file name without surprises. */
  public static boolean isName(String text) {
    return NAME.matcher(text).matches();
  }

  public byte[] toJson() {
    return ManifestJson.write(KIND, VERSION, this);
  }

  /**
   * Reads and checks a manifest from outside.
   *
   * @param bytes at most 1 MiB
   * @throws FormatException when it doesn't hold together
   */
  public static ImageManifest parse(byte[] bytes) throws FormatException {
    ImageManifest manifest = ManifestJson.read(KIND, VERSION, bytes, ImageManifest.class);
    Content.check("the disk", manifest.disk, MOST_DISK);
    Content.check("the memory", manifest.memory, MOST_DISK);
    Content.check("the device state", manifest.deviceState, MOST_DEVICE_STATE);
    Content.check("the domain", manifest.domain, MOST_DOMAIN);
    if (manifest.name == null || !isName(manifest.name)) {
      throw new FormatException("its manifest has no name that an image may have");
    }
    ImageManifest made =
        of(
            manifest.name,
            manifest.source,
            created(manifest.created),
            manifest.disk,
            manifest.memory,
            manifest.deviceState,
            manifest.domain,
            manifest.machine);
    if (!made.id.equals(manifest.id) || !made.content.equals(manifest.content)) {
      throw new FormatException("its manifest contradicts itself");
    }
    if (manifest.source == null || manifest.machine == null) {
      throw new FormatException("its manifest is not complete");
    }
    return manifest;
  }

  static Instant created(String text) throws FormatException {
    try {
      return Instant.parse(text == null ? "" : text);
    } catch (DateTimeParseException e) {
      throw new FormatException("its manifest has no time of creation", e);
    }
  }

  /** For the same image, brought here from another place, perhaps under another name. */
  public ImageManifest as(String name, String source) {
    return new ImageManifest(
        id, name, source, created, disk, memory, deviceState, domain, content, machine);
  }
}
