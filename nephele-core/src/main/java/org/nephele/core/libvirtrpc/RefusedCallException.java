package org.nephele.core.libvirtrpc;

import java.io.IOException;

/** The other node's libvirt client made a call that a handoff never makes. A sentence. */
public final class RefusedCallException extends IOException {
  private static final long serialVersionUID = 1;

  public RefusedCallException(String message) {
    super(message);
  }

  RefusedCallException(String message, Exception cause) {
    super(message, cause);
  }
}
