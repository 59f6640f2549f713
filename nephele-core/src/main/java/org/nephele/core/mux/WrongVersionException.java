package org.nephele.core.mux;

import java.io.IOException;

/** The other agent speaks another version of the protocol. */
public final class WrongVersionException extends IOException {
  private static final long serialVersionUID = 1L;

  WrongVersionException(Hello mine, Hello theirs) {
    super(
        "the agent there ("
            + (theirs == null ? "?" : theirs.version())
            + ") speaks version "
            + (theirs == null ? "?" : theirs.protocol())
            + " of the protocol between agents, this one ("
            + mine.version()
            + ") version "
            + mine.protocol()
            + ": install the same release on both nodes");
  }
}
