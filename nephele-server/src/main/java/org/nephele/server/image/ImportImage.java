package org.nephele.server.image;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.nephele.core.format.FormatException;
import org.nephele.core.format.ImageManifest;
import org.nephele.core.format.ImageZip;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.libvirt.DomainXml;
import org.nephele.server.operation.Operations;
import org.nephele.server.operation.Work;
import org.nephele.server.store.Store;
import org.nephele.server.store.WorkFolder;

/**
 * {@code image import}: takes in an image that another node exported, when all of it is what its
 * manifest says. Where its name is taken it gets another. Thread-safe.
 */
public final class ImportImage {
  private final Store store;
  private final Images images;
  private final Operations operations;

  public ImportImage(Store store, Images images, Operations operations) {
    this.store = store;
    this.images = images;
    this.operations = operations;
  }

  /**
   * @return the operation's id; it ends with {@link Api.Image}
   */
  public String start(Api.Path request) throws NepheleException, IOException {
    Path zip = zip(request.path());
    ImageManifest manifest;
    try {
      manifest = ImageZip.manifest(zip);
    } catch (FormatException e) {
      throw refused(zip, e);
    }
    Optional<Image> same = images.findByContent(manifest.content());
    if (same.isPresent()) {
      throw new NepheleException(
          ErrorKind.REFUSED,
          "The image in "
              + zip
              + " is here already, under the name "
              + same.get().name()
              + "; nothing was changed.");
    }
    String name = images.freeName(manifest);
    Images.Hold reserved = images.reserve(name);
    try {
      return operations.start(
          Api.IMAGE_IMPORT,
          zip.toString(),
          work -> {
            try (reserved) {
              return take(work, zip, manifest, name).toApi();
            } catch (FormatException e) {
              throw refused(zip, e);
            }
          });
    } catch (NepheleException | RuntimeException e) {
      reserved.close();
      throw e;
    }
  }

  private static Path zip(String text) throws NepheleException {
    try {
      Path path = Path.of(text == null ? "" : text);
      if (!path.isAbsolute()) {
        throw new NepheleException(
            ErrorKind.USAGE, "The path of an exported image must be absolute, not '" + text + "'.");
      }
      if (Files.isRegularFile(path)) {
        return path.normalize();
      }
    } catch (InvalidPathException e) {
      throw new NepheleException(ErrorKind.USAGE, "'" + text + "' is no path.", e);
    }
    throw new NepheleException(
        ErrorKind.NOT_FOUND, "There is no file " + text + " on this node (paths are the node's).");
  }

  private static NepheleException refused(Path zip, FormatException e) {
    return new NepheleException(
        ErrorKind.REFUSED,
        "The file " + zip + " can't be imported: " + e.getMessage() + ". Nothing was changed.",
        e);
  }

  private Image take(Work work, Path zip, ImageManifest expected, String name)
      throws NepheleException, IOException {
    long total = ImageZip.bytes(expected);
    AtomicLong done = new AtomicLong();
    try (WorkFolder folder = store.work("import")) {
      Path files = folder.folder("image");
      ImageManifest manifest =
          ImageZip.extract(
              zip,
              files,
              bytes -> {
                if (work.isCancelled()) {
                  throw new IOException("cancelled");
                }
                work.progress("importing", done.addAndGet(bytes), total, "bytes");
              });
      if (!manifest.equals(expected)) {
        throw new FormatException("it was changed while it was read");
      }
      // It decides what QEMU is started with, and comes from elsewhere.
      var reasons = DomainXml.read(files.resolve(ImageZip.DOMAIN)).unsupported();
      if (!reasons.isEmpty()) {
        throw new FormatException("its VM can't be used here: " + String.join(" ", reasons));
      }
      work.phase(
          "publishing",
          name.equals(manifest.name())
              ? null
              : "Another image has the name "
                  + manifest.name()
                  + ": this one becomes "
                  + name
                  + ".");
      return images.publish(files, manifest.as(name, zip.toString()));
    }
  }
}
