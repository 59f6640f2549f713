package org.nephele.core.handoff;

import org.nephele.core.protocol.ErrorKind;

/**
 * Why a handoff did not happen.
 *
 * @param message a sentence for the person who wanted it
 */
public record Failure(ErrorKind kind, String message) {}
