package org.nephele.core.ssh;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * The lines of known_hosts files that speak of one host (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"):
 * plain names, patterns with {@code * ? !}, {@code [host]:port}, hashed names, several keys, and
 * {@code @revoked}. Keys are compared as bytes, so none needs to be parsed, and a line that nobody
 * understands only fails to match. {@code @cert-authority} lines are passed over: host certificates
 * are not asked for.
 *
 * <p>Immutable.
 */
final class KnownHosts {
  /** What the files say of a key. */
  enum Verdict {
    KNOWN,
    /** No key of this type is known for this host. */
    UNKNOWN,
    /** Another key of this type is known for this host. */
    CHANGED,
    REVOKED
  }

  private record Entry(String type, byte[] key, boolean revoked, String where) {}

  private final List<Entry> entries;

  private KnownHosts(List<Entry> entries) {
    this.entries = entries;
  }

  /**
   * @param host as {@link #nameOf} writes it
   * @throws IOException when a file exists and can't be read
   */
  static KnownHosts read(List<Path> files, String host) throws IOException {
    List<Entry> entries = new ArrayList<>();
    for (Path file : files) {
      List<String> lines;
      try {
        // Comments in such files are in any encoding; names and keys are ASCII.
        lines = Files.readAllLines(file, StandardCharsets.ISO_8859_1);
      } catch (NoSuchFileException e) {
        continue;
      }
      for (int i = 0; i < lines.size(); i++) {
        parse(lines.get(i), host, file + " line " + (i + 1), entries);
      }
    }
    return new KnownHosts(entries);
  }

  /** The name that known_hosts has for a host: with the port only when it is not 22. */
  static String nameOf(String host, int port) {
    String name = host.toLowerCase(Locale.ROOT);
    return port == 22 ? name : "[" + name + "]:" + port;
  }

  private static void parse(String line, String host, String where, List<Entry> entries) {
    String[] words = line.strip().split("[ \t]+");
    int first = words[0].startsWith("@") ? 1 : 0;
    if (words.length < first + 3 || words[0].startsWith("#")) {
      return;
    }
    boolean revoked = words[0].equals("@revoked");
    if (first == 1 && !revoked) {
      return;
    }
    if (matches(words[first], host)) {
      try {
        byte[] key = Base64.getDecoder().decode(words[first + 2]);
        entries.add(new Entry(words[first + 1], key, revoked, where));
      } catch (IllegalArgumentException e) {
        // No key: a line that says nothing, as for ssh(1).
      }
    }
  }

  private static boolean matches(String patterns, String host) {
    if (patterns.startsWith("|1|")) {
      return matchesHash(patterns, host);
    }
    boolean matched = false;
    for (String pattern : patterns.toLowerCase(Locale.ROOT).split(",")) {
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

  /** {@code |1|base64(salt)|base64(HMAC-SHA1(salt, name))}. */
  private static boolean matchesHash(String pattern, String host) {
    String[] parts = pattern.split("\\|");
    if (parts.length != 4) {
      return false;
    }
    try {
      Mac mac = Mac.getInstance("HmacSHA1");
      mac.init(new SecretKeySpec(Base64.getDecoder().decode(parts[2]), "HmacSHA1"));
      byte[] hash = mac.doFinal(host.getBytes(StandardCharsets.US_ASCII));
      return MessageDigest.isEqual(hash, Base64.getDecoder().decode(parts[3]));
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      return false;
    }
  }

  /**
   * @param type of the key, {@code ssh-ed25519} and the like
   * @param key the public key as it is on the wire
   */
  Verdict verdict(String type, byte[] key) {
    Verdict verdict = Verdict.UNKNOWN;
    for (Entry entry : entries) {
      boolean same = MessageDigest.isEqual(entry.key, key);
      if (entry.revoked) {
        if (same) {
          return Verdict.REVOKED;
        }
      } else if (same) {
        verdict = Verdict.KNOWN;
      } else if (verdict == Verdict.UNKNOWN && entry.type.equals(type)) {
        verdict = Verdict.CHANGED;
      }
    }
    return verdict;
  }

  /**
   * The types of key that are known for the host, to ask the server for one of those: a server with
   * three keys of which we know one must not look as if its key had changed.
   */
  Set<String> types() {
    Set<String> types = new LinkedHashSet<>();
    entries.stream().filter(e -> !e.revoked).forEach(e -> types.add(e.type));
    return types;
  }

  /** Where the keys that are known stand: file and line. */
  String places() {
    return String.join(
        ", ", entries.stream().filter(e -> !e.revoked).map(Entry::where).limit(4).toList());
  }
}
