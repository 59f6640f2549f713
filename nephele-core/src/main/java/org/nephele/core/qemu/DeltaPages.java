package org.nephele.core.qemu;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;
import org.nephele.core.format.DeltaReader;

/** Pages of a snapshot: those in its delta from there, all others from the image. */
public final class DeltaPages implements PageSource {
  private static final ByteBuffer ZEROS =
      ByteBuffer.allocateDirect(MOST_PAGES * RamBlock.PAGE_SIZE).asReadOnlyBuffer();

  private final PageSource image;
  private final DeltaReader delta;
  private Optional<DeltaReader.Run> run;

  /**
   * @param image with the same layout of blocks
   * @param delta at its start
   */
  public DeltaPages(PageSource image, DeltaReader delta) throws IOException {
    this.image = image;
    this.delta = delta;
    this.run = delta.next();
  }

  @Override
  public ByteBuffer pages(long first, int count) throws IOException {
    while (run.isPresent() && run.get().first() + run.get().count() <= first) {
      run = delta.next();
    }
    if (run.isEmpty() || run.get().first() >= first + count) {
      return image.pages(first, count);
    }
    DeltaReader.Run changed = run.get();
    if (changed.first() > first) {
      return image.pages(first, (int) (changed.first() - first));
    }
    int length =
        (int) Math.min(count, changed.first() + changed.count() - first) * RamBlock.PAGE_SIZE;
    if (changed.zero()) {
      return ZEROS.slice(0, length);
    }
    int at = (int) (first - changed.first()) * RamBlock.PAGE_SIZE;
    return ByteBuffer.wrap(delta.content(), at, length);
  }
}
