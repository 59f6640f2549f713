package org.nephele.server.image;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import org.nephele.core.format.FormatException;
import org.nephele.core.format.ImageZip;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.operation.Operations;
import org.nephele.server.operation.Work;
import org.nephele.server.store.NewFile;
import org.nephele.server.store.Store;
import org.nephele.server.store.WorkFolder;

/** {@code image export}: writes an image as one zip, for other nodes. Thread-safe. */
public final class ExportImage {
  private final Store store;
  private final Images images;
  private final Operations operations;

  public ExportImage(Store store, Images images, Operations operations) {
    this.store = store;
    this.images = images;
    this.operations = operations;
  }

  /**
   * @return the operation's id; it ends with {@link Api.Exported}
   */
  public String start(Api.ImageExport request) throws NepheleException, IOException {
    Image image = images.find(request.image());
    Path dest = NewFile.check(request.dest());
    Images.Hold hold = images.use(image, "its export to " + dest);
    try {
      return operations.start(
          Api.IMAGE_EXPORT,
          image.name() + " to " + dest,
          work -> {
            try (hold) {
              return export(work, image, dest);
            }
          });
    } catch (NepheleException | RuntimeException e) {
      hold.close();
      throw e;
    }
  }

  private Api.Exported export(Work work, Image image, Path dest)
      throws NepheleException, IOException {
    long total = ImageZip.bytes(image.manifest());
    AtomicLong done = new AtomicLong();
    try (WorkFolder folder = store.work("export")) {
      Path part = folder.beside(dest);
      ImageZip.write(
          image.manifest(),
          image.folder(),
          part,
          bytes -> {
            if (work.isCancelled()) {
              throw new IOException("cancelled");
            }
            work.progress("exporting", done.addAndGet(bytes), total, "bytes");
          });
      // It holds a whole VM with its secrets.
      NewFile.restrict(part);
      work.phase("publishing");
      long bytes = Files.size(part);
      NewFile.publish(part, dest);
      return new Api.Exported(dest.toString(), bytes);
    } catch (FormatException e) {
      throw new NepheleException(
          ErrorKind.FAILED,
          "The image " + image.name() + " can't be exported: " + e.getMessage() + ".",
          e);
    }
  }
}
