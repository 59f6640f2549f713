package org.nephele.server.snapshot;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.nephele.core.format.DeltaReader;
import org.nephele.core.format.DeltaWriter;
import org.nephele.core.format.PageDiff;
import org.nephele.core.format.Pages;
import org.nephele.core.nbd.NbdClient;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.operation.Work;
import org.nephele.server.store.QemuImg;
import org.nephele.server.store.QemuNbd;

/** The difference between an overlay and its image's disk, both ways. Stateless. */
public final class DiskDelta {
  private DiskDelta() {}

  /**
   * Writes what an overlay changes.
   *
   * @param base the image's disk
   * @param overlay nobody has it open
   * @param ranges of {@link QemuImg#changes}
   */
  static void write(
      Work work, Path base, Path overlay, List<QemuImg.Range> ranges, DeltaWriter delta)
      throws IOException {
    long total = ranges.stream().mapToLong(QemuImg.Range::length).sum();
    long[] before = {0};
    PageDiff.Progress progress =
        done -> {
          Cancelled.check(work);
          work.progress("comparing disk", before[0] + done, total, "bytes");
        };
    try (FileChannel baseFile = FileChannel.open(base);
        FileChannel overlayFile = FileChannel.open(overlay)) {
      PageDiff diff = new PageDiff(baseFile, delta);
      for (QemuImg.Range range : ranges) {
        if (range.start() % Pages.SIZE != 0) {
          throw new IOException("the overlay has clusters that don't begin with a page");
        }
        long first = range.start() / Pages.SIZE;
        long count = Pages.count(range.length());
        if (range.zero()) {
          diff.zeros(first, count, progress);
        } else {
          diff.compare(overlayFile, range.offset(), first, count, progress);
        }
        before[0] += range.length();
      }
    }
  }

  /**
   * Writes a delta into a new overlay.
   *
   * @param overlay empty, nobody has it open
   * @param bytes the size of the disk
   */
  public static void apply(Work work, DeltaReader delta, Path overlay, long bytes)
      throws NepheleException, IOException {
    Optional<DeltaReader.Run> next = delta.next();
    if (next.isEmpty()) {
      return;
    }
    try (QemuNbd nbd = QemuNbd.open(work, overlay)) {
      NbdClient client = nbd.client();
      for (; next.isPresent(); next = delta.next()) {
        work.checkCancelled();
        DeltaReader.Run run = next.get();
        long start = run.first() * Pages.SIZE;
        // The last page of the disk may not be there in full.
        long length = Math.min(run.count() * Pages.SIZE, bytes - start);
        if (run.zero()) {
          client.writeZeroes(start, length);
        } else {
          client.write(start, delta.content(), 0, (int) length);
        }
      }
      client.flush();
    }
  }
}
