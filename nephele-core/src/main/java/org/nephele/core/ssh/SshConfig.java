package org.nephele.core.ssh;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;

/**
 * What an ssh_config(5) file says about one host: the first value of a keyword wins, {@code
 * IdentityFile} collects. {@code Host}, {@code Match all|host|originalhost} and {@code Include} are
 * understood. Keywords that change where or through what the connection goes and that we can't do
 * are an error for the hosts they apply to, never passed over; the others ({@code ForwardAgent},
 * {@code Ciphers}, …) do not matter here.
 */
final class SshConfig {
  private static final int MAX_FILE = 1 << 20;
  private static final int MAX_DEPTH = 8;

  private final String host;
  private final Path home;
  private final Map<String, String> values = new HashMap<>();
  private final Map<String, String> places = new HashMap<>();
  private final List<String> identityFiles = new ArrayList<>();

  private SshConfig(String host, Path home) {
    this.host = host;
    this.home = home;
  }

  /**
   * @param files what an earlier one says wins; files that do not exist say nothing
   * @param host as somebody typed it
   */
  static SshConfig read(List<Path> files, String host) throws NepheleException {
    SshConfig config = new SshConfig(host, Path.of(System.getProperty("user.home")));
    for (Path file : files) {
      config.readFile(file, file.toAbsolutePath().getParent(), 0);
    }
    return config;
  }

  /**
   * @param folder where relative Includes are
   */
  private void readFile(Path file, Path folder, int depth) throws NepheleException {
    List<String> lines;
    try {
      if (Files.size(file) > MAX_FILE) {
        throw wrong(file, 0, "it is longer than 1 MiB");
      }
      lines = Files.readAllLines(file, StandardCharsets.UTF_8);
    } catch (NoSuchFileException e) {
      return;
    } catch (IOException e) {
      throw wrong(file, 0, "it can't be read (" + e.getMessage() + ")");
    }
    boolean active = true;
    for (int i = 0; i < lines.size(); i++) {
      List<String> words = split(lines.get(i));
      if (words.isEmpty()) {
        continue;
      }
      String keyword = words.get(0).toLowerCase(Locale.ROOT);
      List<String> arguments = words.subList(1, words.size());
      if (arguments.isEmpty()) {
        throw wrong(file, i + 1, "‘" + words.get(0) + "’ has no value");
      }
      if (keyword.equals("host")) {
        active = hostMatches(arguments);
      } else if (keyword.equals("match")) {
        active = matches(arguments, file, i + 1);
      } else if (keyword.equals("include")) {
        if (active) {
          include(arguments, file, i + 1, folder, depth);
        }
      } else if (active) {
        set(keyword, arguments, file + " line " + (i + 1));
      }
    }
  }

  private void set(String keyword, List<String> arguments, String place) {
    if (keyword.equals("identityfile")) {
      identityFiles.add(arguments.get(0));
    } else if (values.putIfAbsent(keyword, String.join(" ", arguments)) == null) {
      places.put(keyword, place);
    }
  }

  private boolean hostMatches(List<String> patterns) {
    boolean matched = false;
    for (String pattern : patterns) {
      if (pattern.startsWith("!")) {
        if (HostPattern.matches(pattern.substring(1), host)) {
          return false;
        }
      } else {
        matched |= HostPattern.matches(pattern, host);
      }
    }
    return matched;
  }

  private boolean matches(List<String> criteria, Path file, int line) throws NepheleException {
    if (criteria.size() == 1 && criteria.get(0).equalsIgnoreCase("all")) {
      return true;
    }
    boolean matched = true;
    for (int i = 0; i < criteria.size(); i += 2) {
      String criterion = criteria.get(i).toLowerCase(Locale.ROOT);
      if (i + 1 == criteria.size()
          || !(criterion.equals("host") || criterion.equals("originalhost"))) {
        throw wrong(
            file,
            line,
            "of ‘Match’ only ‘all’, ‘host’ and ‘originalhost’ are understood, not ‘"
                + criteria.get(i)
                + "’");
      }
      String name = criterion.equals("host") ? values.getOrDefault("hostname", host) : host;
      boolean any = false;
      for (String pattern : criteria.get(i + 1).split(",")) {
        any |= HostPattern.matches(pattern, name);
      }
      matched &= any;
    }
    return matched;
  }

  private void include(List<String> patterns, Path from, int line, Path base, int depth)
      throws NepheleException {
    if (depth == MAX_DEPTH) {
      throw wrong(from, line, "Includes are nested deeper than " + MAX_DEPTH);
    }
    for (String pattern : patterns) {
      Path path = base.resolve(expand(pattern));
      List<Path> files = new ArrayList<>();
      Path folder = path.getParent();
      if (folder != null && Files.isDirectory(folder)) {
        try (DirectoryStream<Path> found =
            Files.newDirectoryStream(folder, path.getFileName().toString())) {
          found.forEach(files::add);
        } catch (IOException e) {
          throw wrong(from, line, "‘Include " + pattern + "’ failed (" + e.getMessage() + ")");
        }
      }
      files.sort(null);
      for (Path file : files) {
        readFile(file, base, depth + 1);
      }
    }
  }

  /** Words by blanks, or {@code =} after the first; double quotes keep blanks. */
  private static List<String> split(String line) {
    List<String> words = new ArrayList<>();
    StringBuilder word = new StringBuilder();
    boolean quoted = false;
    boolean some = false;
    for (int i = 0; i <= line.length(); i++) {
      char c = i < line.length() ? line.charAt(i) : ' ';
      if (c == '"' && i < line.length()) {
        quoted = !quoted;
        some = true;
      } else if (!quoted && (Character.isWhitespace(c) || (c == '=' && words.size() <= 1))) {
        if (c == '=' && !some && words.isEmpty()) {
          word.append(c);
        } else if (some || word.length() > 0) {
          words.add(word.toString());
        }
        if (i < line.length() && c == '=' && words.isEmpty()) {
          some = true;
        } else {
          word.setLength(0);
          some = false;
        }
      } else if (c == '#' && !some && word.length() == 0 && !quoted) {
        break;
      } else {
        word.append(c);
        some = true;
      }
    }
    return words;
  }

  String hostName() {
    return values.getOrDefault("hostname", host).replace("%h", host).replace("%%", "%");
  }

  Optional<String> user() {
    return Optional.ofNullable(values.get("user"));
  }

  Optional<String> hostKeyAlias() {
    return Optional.ofNullable(values.get("hostkeyalias"));
  }

  Optional<Integer> port() throws NepheleException {
    String port = values.get("port");
    if (port == null) {
      return Optional.empty();
    }
    if (!port.matches("[0-9]{1,5}") || Integer.parseInt(port) > 65535 || port.matches("0+")) {
      throw new NepheleException(
          ErrorKind.USAGE, places.get("port") + ": ‘" + port + "’ is no port");
    }
    return Optional.of(Integer.valueOf(port));
  }

  boolean identitiesOnly() {
    return values.getOrDefault("identitiesonly", "no").equalsIgnoreCase("yes");
  }

  /** Empty: nothing said. */
  List<Path> identityFiles() {
    return identityFiles.stream().map(this::expand).toList();
  }

  /**
   * @param usual what the environment says; the value when the configuration says nothing
   */
  Optional<Path> agentSocket(Optional<Path> usual) {
    String said = values.get("identityagent");
    if (said == null || said.equals("SSH_AUTH_SOCK") || said.equals("$SSH_AUTH_SOCK")) {
      return usual;
    }
    return said.equalsIgnoreCase("none") ? Optional.empty() : Optional.of(expand(said));
  }

  /** The user's and the machine's known hosts, where the configuration names other ones. */
  List<Path> knownHosts(List<Path> usual) {
    String user = values.get("userknownhostsfile");
    if (user == null) {
      return usual;
    }
    List<Path> files = new ArrayList<>();
    if (!user.equalsIgnoreCase("none")) {
      for (String file : user.split(" ")) {
        files.add(expand(file));
      }
    }
    files.addAll(usual.subList(Math.min(1, usual.size()), usual.size()));
    return files;
  }

  /**
   * @throws NepheleException when the configuration wants something of this connection that we
   *     can't do
   */
  void refuseUnsupported() throws NepheleException {
    for (String keyword : List.of("proxyjump", "proxycommand")) {
      String value = values.get(keyword);
      if (value != null && !value.equalsIgnoreCase("none")) {
        throw new NepheleException(
            ErrorKind.USAGE,
            places.get(keyword)
                + " wants "
                + host
                + " to be reached through ‘"
                + value
                + "’, which nephele-client can't do: open a tunnel with ssh -N -L PORT:"
                + host
                + ":22 and use localhost:PORT (with HostKeyAlias for its key)");
      }
    }
  }

  private Path expand(String path) {
    String text =
        path.replace("%d", home.toString())
            .replace("%h", hostName())
            .replace("%u", System.getProperty("user.name"))
            .replace("%%", "%");
    return text.equals("~") || text.startsWith("~/")
        ? Path.of(home + text.substring(1))
        : Path.of(text);
  }

  private static NepheleException wrong(Path file, int line, String why) {
    return new NepheleException(
        ErrorKind.USAGE, file + (line > 0 ? " line " + line : "") + ": " + why);
  }
}
