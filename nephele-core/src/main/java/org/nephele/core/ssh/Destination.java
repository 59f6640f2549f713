package org.nephele.core.ssh;

import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;

/**
 * Where to connect to, as somebody typed it: {@code host}, {@code user@host}, {@code host:port},
 * {@code [v6]:port}, an alias of {@code ~/.ssh/config}, each with or without {@code ssh://} in
 * front.
 *
 * @param user absent: the SSH configuration's, or the default of {@link SshOptions}
 * @param host a name, an alias or an address; without brackets
 * @param port absent: the SSH configuration's, or 22
 */
public record Destination(Optional<String> user, String host, OptionalInt port) {
  /** A name that starts with a dash could be taken for an option somewhere down the line. */
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_.][A-Za-z0-9_.-]{0,252}");

  private static final Pattern ADDRESS_V6 =
      Pattern.compile("[0-9A-Fa-f:.]{2,45}(%[A-Za-z0-9_.-]{1,32})?");
  private static final Pattern USER = Pattern.compile("[A-Za-z0-9_.][A-Za-z0-9_.+-]{0,63}");
  private static final Pattern PORT = Pattern.compile("[0-9]{1,5}");

  /**
   * @throws NepheleException of kind USAGE, with a sentence that is safe to print
   */
  public static Destination parse(String text) throws NepheleException {
    String rest = text.startsWith("ssh://") ? text.substring(6) : text;
    Optional<String> user = Optional.empty();
    int at = rest.lastIndexOf('@');
    if (at >= 0) {
      user = Optional.of(rest.substring(0, at));
      rest = rest.substring(at + 1);
      if (!USER.matcher(user.get()).matches()) {
        throw wrong(text, "the user name before @ has characters that user names don't have");
      }
    }
    String host = rest;
    String port = null;
    int colon = rest.lastIndexOf(':');
    if (rest.startsWith("[")) {
      int end = rest.indexOf(']');
      if (end < 0 || (end + 1 < rest.length() && rest.charAt(end + 1) != ':')) {
        throw wrong(text, "an address in brackets is written [ADDRESS]:PORT");
      }
      host = rest.substring(1, end);
      port = end + 1 < rest.length() ? rest.substring(end + 2) : null;
    } else if (colon >= 0 && rest.indexOf(':') == colon) {
      host = rest.substring(0, colon);
      port = rest.substring(colon + 1);
    }
    boolean v6 = host.indexOf(':') >= 0;
    if (!(v6 ? ADDRESS_V6 : NAME).matcher(host).matches()) {
      throw wrong(text, "it is neither a host name nor an address");
    }
    return new Destination(user, host, port == null ? OptionalInt.empty() : parsePort(text, port));
  }

  private static OptionalInt parsePort(String text, String port) throws NepheleException {
    int number = PORT.matcher(port).matches() ? Integer.parseInt(port) : 0;
    if (number < 1 || number > 65535) {
      throw wrong(text, "the port after the colon must be a number from 1 to 65535");
    }
    return OptionalInt.of(number);
  }

  private static NepheleException wrong(String text, String why) {
    String shown = text.length() > 80 ? text.substring(0, 80) + "…" : text;
    return new NepheleException(
        ErrorKind.USAGE,
        "‘"
            + shown.replaceAll("\\p{C}", "?")
            + "’ is no destination, "
            + why
            + ": write HOST, USER@HOST, HOST:PORT or [V6-ADDRESS]:PORT");
  }

  /** As it would be typed: {@code [user@]host[:port]}. */
  @Override
  public String toString() {
    boolean v6 = host.indexOf(':') >= 0;
    return user.map(u -> u + "@").orElse("")
        + (v6 ? "[" + host + "]" : host)
        + (port.isPresent() ? ":" + port.getAsInt() : "");
  }

  /** {@code ssh://[user@]host[:port]}. */
  public String toUrl() {
    return "ssh://" + this;
  }
}
