package org.nephele.server.image;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.nephele.core.format.FormatException;
import org.nephele.core.format.ImageManifest;
import org.nephele.core.format.ImageZip;
import org.nephele.core.protocol.Api;

/**
 * An image of this node. Its files never change while it is there.
 *
 * @param folder below /var/nephele/images; its name is the image's
 */
public record Image(Path folder, ImageManifest manifest) {
  public String name() {
    return folder.getFileName().toString();
  }

  /** First 12 hex digits of the disk's SHA-256; not unique. */
  public String id() {
    return manifest.id();
  }

  /** SHA-256 over disk, memory and device state; equal exactly for equal images. */
  public String content() {
    return manifest.content();
  }

  /** Raw, 0444: the backing file of overlays. */
  public Path disk() {
    return folder.resolve(ImageZip.DISK);
  }

  /** The RAM of the captured VM, sparse. */
  public Path memory() {
    return folder.resolve(ImageZip.MEMORY);
  }

  public Path deviceState() {
    return folder.resolve(ImageZip.DEVICE_STATE);
  }

  /**
   * Reads the device state.
   *
   * @throws FormatException when the file is longer than any device state that was taken in
   */
  public byte[] readDeviceState() throws IOException {
    if (Files.size(deviceState()) > ImageManifest.MOST_DEVICE_STATE) {
      throw new FormatException(deviceState() + " is too long");
    }
    return Files.readAllBytes(deviceState());
  }

  /** The captured VM's XML, from which a VM with the same devices is made. */
  public Path domain() {
    return folder.resolve(ImageZip.DOMAIN);
  }

  /** As the protocol has it. */
  public Api.Image toApi() {
    return new Api.Image(
        id(),
        name(),
        manifest.source(),
        manifest.created(),
        manifest.disk().bytes(),
        manifest.memory().bytes());
  }
}
