package org.nephele.server.image;

import java.util.Optional;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;

/**
 * When a build pauses its VM by itself; both empty when only a person does.
 *
 * @param when looked for in each line of the serial console
 * @param afterMs since the VM was started, ms
 */
public record PauseRule(Optional<Pattern> when, Optional<Long> afterMs) {
  private static final int MOST_EXPRESSION = 1024;

  /** Nothing pauses the VM but a person. */
  boolean byHandOnly() {
    return when.isEmpty() && afterMs.isEmpty();
  }

  /**
   * @param when a regular expression, or null
   * @param afterMs or null
   * @throws NepheleException USAGE
   */
  public static PauseRule of(String when, Long afterMs) throws NepheleException {
    if (afterMs != null && afterMs < 0) {
      throw new NepheleException(
          ErrorKind.USAGE, "The time to pause after must not be negative; nothing was started.");
    }
    Optional<Pattern> pattern = Optional.empty();
    if (when != null) {
      try {
        if (when.length() > MOST_EXPRESSION) {
          throw new PatternSyntaxException("it is too long", "", -1);
        }
        pattern = Optional.of(Pattern.compile(when));
      } catch (PatternSyntaxException e) {
        throw new NepheleException(
            ErrorKind.USAGE,
            "The expression to pause at is no regular expression: "
                + e.getDescription()
                + "; nothing was started.");
      }
    }
    return new PauseRule(pattern, Optional.ofNullable(afterMs));
  }
}
