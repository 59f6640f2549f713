package org.nephele.core.handoff;

/**
 * Something happened that can't in this state: a mistake of ours, or a peer that doesn't keep to
 * the protocol. The state did not change, and nothing was done.
 */
public final class IllegalEventException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  IllegalEventException(Object state, Object event) {
    super(event + " can't happen in " + state);
  }
}
