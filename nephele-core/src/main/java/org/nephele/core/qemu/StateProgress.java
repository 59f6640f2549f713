package org.nephele.core.qemu;

import java.io.IOException;

/** Told how far a capture or a restore is, about once a megabyte, on the thread that works. */
@FunctionalInterface
public interface StateProgress {
  /**
   * @param done bytes of guest memory that were handled, zeros included; may pass the total when
   *     the guest runs and pages come again
   * @param total bytes of guest memory
   * @throws IOException to give up
   */
  void at(long done, long total) throws IOException;
}
