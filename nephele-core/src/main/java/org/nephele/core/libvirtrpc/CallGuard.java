package org.nephele.core.libvirtrpc;

import java.io.IOException;

/**
 * Decides which of the other node's calls reach this node's libvirtd. Called on the thread that
 * relays calls.
 */
@FunctionalInterface
public interface CallGuard {
  /**
   * @throws RefusedCallException when it must not: nothing of it reaches libvirtd, and the relay
   *     ends
   */
  void check(LibvirtCall call) throws IOException;
}
