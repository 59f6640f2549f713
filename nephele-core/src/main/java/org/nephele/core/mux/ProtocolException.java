package org.nephele.core.mux;

import java.io.IOException;

/** The other end said something that the protocol does not have. The session is over then. */
public final class ProtocolException extends IOException {
  private static final long serialVersionUID = 1L;

  ProtocolException(String what) {
    super("The other agent broke the protocol: " + what + ".");
  }
}
