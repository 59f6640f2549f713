package org.nephele.core.ssh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.nephele.core.ssh.KnownHosts.Verdict.CHANGED;
import static org.nephele.core.ssh.KnownHosts.Verdict.KNOWN;
import static org.nephele.core.ssh.KnownHosts.Verdict.REVOKED;
import static org.nephele.core.ssh.KnownHosts.Verdict.UNKNOWN;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KnownHostsTest {
  private static final byte[] KEY = {1, 2, 3};
  private static final byte[] OTHER = {4, 5, 6};
  private static final String TYPE = "ssh-ed25519";

  @TempDir Path folder;

  private KnownHosts read(String host, String... lines) throws IOException {
    Path file = folder.resolve("known_hosts");
    Files.write(file, List.of(lines));
    return KnownHosts.read(List.of(folder.resolve("missing"), file), host);
  }

  private static String line(String names, byte[] key) {
    return names + " " + TYPE + " " + Base64.getEncoder().encodeToString(key) + " a comment";
  }

  @Test
  void namesPatternsAndPorts() throws IOException {
    assertThat(read("a", line("b,a", KEY)).verdict(TYPE, KEY)).isEqualTo(KNOWN);
    assertThat(read("a", line("A", KEY)).verdict(TYPE, KEY)).isEqualTo(KNOWN);
    assertThat(read("a", line("b", KEY)).verdict(TYPE, KEY)).isEqualTo(UNKNOWN);
    assertThat(read("a.org", line("*.org", KEY)).verdict(TYPE, KEY)).isEqualTo(KNOWN);
    assertThat(read("a.org", line("*.org,!a.*", KEY)).verdict(TYPE, KEY)).isEqualTo(UNKNOWN);
    assertThat(read("[a]:222", line("a", KEY)).verdict(TYPE, KEY)).isEqualTo(UNKNOWN);
    assertThat(read("[a]:222", line("[a]:222", KEY)).verdict(TYPE, KEY)).isEqualTo(KNOWN);
    assertThat(KnownHosts.nameOf("A", 22)).isEqualTo("a");
    assertThat(KnownHosts.nameOf("A", 222)).isEqualTo("[a]:222");
  }

  @Test
  void aKeyOfTheSameTypeThatDiffersIsAChange() throws IOException {
    KnownHosts known = read("a", line("a", OTHER));

    assertThat(known.verdict(TYPE, KEY)).isEqualTo(CHANGED);
    assertThat(known.verdict("ssh-rsa", KEY)).isEqualTo(UNKNOWN);
    assertThat(known.types()).containsExactly(TYPE);
    assertThat(read("a", line("a", OTHER), line("a", KEY)).verdict(TYPE, KEY)).isEqualTo(KNOWN);
  }

  @Test
  void aRevokedKeyIsRefusedEvenWhereItIsKnown() throws IOException {
    KnownHosts known = read("a", line("a", KEY), line("@revoked *", KEY));

    assertThat(known.verdict(TYPE, KEY)).isEqualTo(REVOKED);
    assertThat(known.verdict(TYPE, OTHER)).isEqualTo(CHANGED);
  }

  @Test
  void linesThatSayNothingAreNoHarm() throws IOException {
    KnownHosts known =
        read(
            "a",
            "",
            "# a ssh-ed25519 AQID",
            "a ssh-ed25519",
            "a ssh-ed25519 not*base64",
            "|1|x|y ssh-ed25519 AQID",
            "|1|||| ssh-ed25519 AQID",
            line("@cert-authority a", KEY),
            "\u0000\u00ff ssh-ed25519 AQID");

    assertThat(known.verdict(TYPE, KEY)).isEqualTo(UNKNOWN);
  }

  @Test
  void aPatternOfManyStarsEndsSoon() {
    assertThat(HostPattern.matches("*a".repeat(50) + "b", "a".repeat(5000))).isFalse();
    assertThat(HostPattern.matches("?*?", "ab")).isTrue();
    assertThat(HostPattern.matches("", "")).isTrue();
    assertThat(HostPattern.matches("*", "")).isTrue();
  }
}
