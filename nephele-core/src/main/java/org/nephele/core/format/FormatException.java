package org.nephele.core.format;

import java.io.IOException;

/**
 * A file is not what it should be: damaged, of another version, or made to mislead. The message is
 * a clause for a person, to be put behind the file's name: "/x.zip can't be used: " + message.
 */
public final class FormatException extends IOException {
  private static final long serialVersionUID = 1L;

  public FormatException(String message) {
    super(message);
  }

  public FormatException(String message, Throwable cause) {
    super(message, cause);
  }
}
