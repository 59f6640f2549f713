package org.nephele.core.protocol;

/**
 * Why something did not happen, as far as a caller can act on it. Each kind has one exit code of
 * the client and one JSON-RPC error code; both are part of the documented interface and never
 * change their meaning.
 */
public enum ErrorKind {
  /** Something broke; the message says what, and the state things are in now. */
  FAILED(1, -32000),
  /** The words on the command line, or the parameters of a call, are wrong. */
  USAGE(2, -32602),
  /** No such image, snapshot, instance, operation or file. */
  NOT_FOUND(3, -32003),
  /** Understood, and not done, because it would break a rule or lose something. */
  REFUSED(4, -32004),
  /** Something else holds what is needed: a name, a port, an instance. */
  BUSY(5, -32005),
  /** A node, its SSH server or its agent can't be reached, or does not know us. */
  UNREACHABLE(6, -32006),
  /** The handoff failed, and the instance is still at the source. */
  HANDOFF_FAILED(7, -32007),
  /** Cancelled by somebody. */
  CANCELLED(8, -32008),
  /** The two ends do not speak the same version. */
  INCOMPATIBLE(9, -32009);

  private final int exitCode;
  private final int rpcCode;

  ErrorKind(int exitCode, int rpcCode) {
    this.exitCode = exitCode;
    this.rpcCode = rpcCode;
  }

  public int exitCode() {
    return exitCode;
  }

  public int rpcCode() {
    return rpcCode;
  }

  /** The kind with that JSON-RPC code; {@link #FAILED} for codes that a later version made up. */
  public static ErrorKind ofRpcCode(int code) {
    for (ErrorKind kind : values()) {
      if (kind.rpcCode == code) {
        return kind;
      }
    }
    return FAILED;
  }
}
