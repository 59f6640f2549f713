package org.nephele.core.libvirtrpc;

import java.io.IOException;

/** Decides about the one reply that decides. Called on the thread that relays replies. */
public interface FinishGate {
  /**
   * The destination's libvirtd has said that its QEMU has everything, and is paused. Returns when
   * the client may know; blocks until then.
   *
   * @throws IOException when it may not: the reply is dropped, and the relay ends
   */
  void finished() throws IOException;

  /**
   * The relay has ended, in order or not, and no reply will come any more. The client's connection
   * is closed when this returns; blocks until that may be.
   */
  void ended();
}
