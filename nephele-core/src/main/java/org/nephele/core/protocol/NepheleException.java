package org.nephele.core.protocol;

import java.util.Objects;

/**
 * An error for the person who typed the command: one sentence that says what failed, on which node,
 * what state things are in now and what to do. It travels from the place that knows to the terminal
 * unchanged.
 */
public final class NepheleException extends Exception {
  private static final long serialVersionUID = 1L;

  private final ErrorKind kind;

  public NepheleException(ErrorKind kind, String message) {
    this(kind, message, null);
  }

  public NepheleException(ErrorKind kind, String message, Throwable cause) {
    super(Objects.requireNonNull(message), cause);
    this.kind = Objects.requireNonNull(kind);
  }

  public ErrorKind kind() {
    return kind;
  }
}
