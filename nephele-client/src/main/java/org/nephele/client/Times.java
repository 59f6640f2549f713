package org.nephele.client;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Times of the protocol (RFC 3339 in UTC) for people, and durations that people typed. */
public final class Times {
  private static final Pattern DURATION = Pattern.compile("([0-9]{1,9})(ms|s|m|h)?");

  private Times() {}

  /**
   * {@code 2026-03-01 14:05:09} in local time; what is no time comes back as it is. Without
   * java.time's formatters, whose tables take longer to load than the rest of a command to run.
   */
  public static String local(String rfc3339) {
    try {
      LocalDateTime utc =
          LocalDateTime.of(
              number(rfc3339, 0, 4, '-'),
              number(rfc3339, 5, 7, '-'),
              number(rfc3339, 8, 10, 'T'),
              number(rfc3339, 11, 13, ':'),
              number(rfc3339, 14, 16, ':'),
              number(rfc3339, 17, 19, '\0'));
      if (!rfc3339.endsWith("Z")) {
        return rfc3339;
      }
      Instant instant = utc.toInstant(java.time.ZoneOffset.UTC);
      LocalDateTime local = LocalDateTime.ofInstant(instant, ZoneId.systemDefault());
      return local.toLocalDate()
          + " "
          + two(local.getHour())
          + ":"
          + two(local.getMinute())
          + ":"
          + two(local.getSecond());
    } catch (DateTimeException | NumberFormatException | StringIndexOutOfBoundsException e) {
      return rfc3339;
    }
  }

  private static int number(String text, int start, int end, char next) {
    if (next != '\0' && text.charAt(end) != next) {
      throw new NumberFormatException(text);
    }
    return Integer.parseInt(text.substring(start, end));
  }

  private static String two(int number) {
    return number < 10 ? "0" + number : String.valueOf(number);
  }

  /**
   * {@code 30s}, {@code 500ms}, {@code 2m}, {@code 1h}; a number alone is seconds.
   *
   * @return ms
   * @throws IllegalArgumentException when it is something else
   */
  public static long milliseconds(String typed) {
    Matcher matcher = DURATION.matcher(typed);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "‘" + Text.clean(typed) + "’ is no time: write 30s, 500ms, 2m or 1h");
    }
    long number = Long.parseLong(matcher.group(1));
    String unit = matcher.group(2) == null ? "s" : matcher.group(2);
    return switch (unit) {
      case "ms" -> number;
      case "m" -> number * 60_000;
      case "h" -> number * 3_600_000;
      default -> number * 1000;
    };
  }
}
