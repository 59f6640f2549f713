package org.nephele.core.format;

/**
 * What a snapshot is, and against which image.
 *
 * @param title the VM's when the snapshot was made
 * @param created RFC 3339, UTC
 * @param imageId and {@code imageName}, for people
 * @param imageContent {@link ImageManifest#content} of the one image it belongs to
 * @param diskBytes and {@code memoryBytes} of the image's files
 */
public record SnapshotManifest(
    String title,
    String created,
    String imageId,
    String imageName,
    String imageContent,
    long diskBytes,
    long memoryBytes,
    Machine machine) {
  static final String KIND = "nephele snapshot";
  static final int VERSION = 0;

  public byte[] toJson() {
    return ManifestJson.write(KIND, VERSION, this);
  }

  /**
   * Reads and checks a manifest from outside.
   *
   * @param bytes at most 1 MiB
   * @throws FormatException when it doesn't hold together
   */
  public static SnapshotManifest parse(byte[] bytes) throws FormatException {
    SnapshotManifest manifest = ManifestJson.read(KIND, VERSION, bytes, SnapshotManifest.class);
    if (!Content.isSha256(manifest.imageContent)) {
      throw new FormatException("its manifest names no image");
    }
    if (manifest.imageId == null
        || !manifest.imageId.matches("[0-9a-f]{12}")
        || manifest.imageName == null
        || !ImageManifest.isName(manifest.imageName)) {
      throw new FormatException("its manifest names no image that a person could look for");
    }
    if (manifest.title == null
        || manifest.machine == null
        || manifest.diskBytes < 1
        || manifest.memoryBytes < 1) {
      throw new FormatException("its manifest is not complete");
    }
    ImageManifest.created(manifest.created);
    return manifest;
  }

  /**
   * That this snapshot is one of that image.
   *
   * @throws FormatException when the sizes don't agree though the hash does: somebody forged it
   */
  public void checkAgainst(ImageManifest image) throws FormatException {
    if (!imageContent.equals(image.content())
        || diskBytes != image.disk().bytes()
        || memoryBytes != image.memory().bytes()) {
      throw new FormatException("it doesn't belong to image " + image.name());
    }
  }
}
