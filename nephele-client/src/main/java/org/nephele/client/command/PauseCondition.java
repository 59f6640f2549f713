package org.nephele.client.command;

import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.nephele.client.Times;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import picocli.CommandLine.Option;

/** What ends a build when nobody sits at the screen. */
final class PauseCondition {
  @Option(
      names = "--pause-when",
      paramLabel = "REGEX",
      description =
          "Pause by itself when a line on the VM's serial console matches this regular expression")
  private String regex;

  @Option(
      names = "--pause-after",
      paramLabel = "TIME",
      description = "Pause by itself after this time, for example 30s or 2m")
  private String time;

  void check() throws NepheleException {
    try {
      if (regex != null) {
        Pattern.compile(regex);
      }
      milliseconds();
    } catch (PatternSyntaxException e) {
      throw new NepheleException(
          ErrorKind.USAGE, "--pause-when is no regular expression: " + e.getDescription(), e);
    } catch (IllegalArgumentException e) {
      throw new NepheleException(ErrorKind.USAGE, "--pause-after: " + e.getMessage(), e);
    }
  }

  String regex() {
    return regex;
  }

  Long milliseconds() {
    return time == null ? null : Long.valueOf(Times.milliseconds(time));
  }

  /** What to tell a person who is about to wait. */
  String hint(String host) {
    return regex == null && time == null
        ? "Pause the VM when it is as you want it: in virt-manager, or with  nephele-client "
            + host
            + " pause TITLE"
        : "The VM will be paused by itself.";
  }
}
