package org.nephele.core.mux;

import java.io.IOException;

/** The session, or this stream of it, is no more. The message says why, as a sentence. */
public final class SessionClosedException extends IOException {
  private static final long serialVersionUID = 1L;

  SessionClosedException(String message) {
    super(message);
  }
}
