package org.nephele.testbed;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.CRC32;

/**
 * What a guest's self-check program wrote on its serial console (nephele-testbed/guests/README.md
 * specifies the lines).
 *
 * @param reports ticks and reports, in order
 * @param torn lines that began as ours and whose checksum is wrong: cut by the start or the end of
 *     the log, or broken
 */
public record SelfCheck(List<Line> reports, int torn) {

  /**
   * One tick ({@code t}), report ({@code r}) or answer to a probe ({@code p}).
   *
   * @param boot a random number chosen when the program started
   * @param sequence of the tick, from 1
   * @param monotonicUs the guest's monotonic clock, µs
   * @param realtimeUs the guest's wall clock, µs since 1970
   * @param errors lost or wrong pages and files found so far
   * @param fields {@code key=value} words of a report
   */
  public record Line(
      char kind,
      String boot,
      long sequence,
      long monotonicUs,
      long realtimeUs,
      long errors,
      Map<String, String> fields) {
    /** A counter of a report, such as {@code pv}, the pages verified. */
    public long counter(String name) {
      return Long.parseLong(fields.get(name));
    }
  }

  /** Reads a console log; what isn't ours in it is passed over. */
  public static SelfCheck parse(String console) {
    List<Line> lines = new ArrayList<>();
    int torn = 0;
    for (String text : console.split("[\r\n]+")) {
      int begin = text.indexOf("SC1 ");
      if (begin < 0) {
        continue;
      }
      String line = text.substring(begin);
      int last = line.lastIndexOf(' ');
      CRC32 crc = new CRC32();
      crc.update(line.substring(0, last).getBytes(StandardCharsets.ISO_8859_1));
      if (!String.format("%08x", crc.getValue()).equals(line.substring(last + 1))) {
        torn++;
        continue;
      }
      String[] words = line.substring(0, last).split(" ");
      if (words.length >= 7 && words[1].matches("[trp]")) {
        lines.add(line(words));
      }
    }
    return new SelfCheck(lines, torn);
  }

  private static Line line(String[] words) {
    Map<String, String> fields = new LinkedHashMap<>();
    for (int i = 7; i < words.length; i++) {
      int equals = words[i].indexOf('=');
      if (equals > 0) {
        fields.put(words[i].substring(0, equals), words[i].substring(equals + 1));
      }
    }
    return new Line(
        words[1].charAt(0),
        words[2],
        Long.parseLong(words[3]),
        Long.parseLong(words[4]),
        Long.parseLong(words[5]),
        Long.parseLong(words[6]),
        fields);
  }

  public Optional<Line> last() {
    return reports.isEmpty() ? Optional.empty() : Optional.of(reports.get(reports.size() - 1));
  }

  /** The last line with counters. */
  public Optional<Line> lastReport() {
    for (int i = reports.size() - 1; i >= 0; i--) {
      if (reports.get(i).fields().containsKey("pv")) {
        return Optional.of(reports.get(i));
      }
    }
    return Optional.empty();
  }
}
