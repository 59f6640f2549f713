package org.nephele.server.snapshot;

import java.io.IOException;
import org.nephele.server.operation.Work;

/** Ends work in the middle of reading or writing, where only an IOException gets out. */
final class Cancelled {
  private Cancelled() {}

  static void check(Work work) throws IOException {
    if (work.isCancelled()) {
      throw new IOException("cancelled");
    }
  }
}
