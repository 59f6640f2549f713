package org.nephele.core.ssh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;

class DestinationTest {
  @ParameterizedTest
  @CsvSource({
    "node1,,node1,-1,node1",
    "ssh://node1,,node1,-1,node1",
    "root@node1:22,root,node1,22,root@node1:22",
    "10.0.0.1:2222,,10.0.0.1,2222,10.0.0.1:2222",
    "[fe80::1%eth0]:22,,fe80::1%eth0,22,[fe80::1%eth0]:22",
    "::1,,::1,-1,[::1]",
    "a@[::1],a,::1,-1,a@[::1]",
  })
  void whatPeopleType(String text, String user, String host, int port, String shown)
      throws NepheleException {
    Destination destination = Destination.parse(text);

    assertThat(destination.user().orElse(null)).isEqualTo(user);
    assertThat(destination.host()).isEqualTo(host);
    assertThat(destination.port().orElse(-1)).isEqualTo(port);
    assertThat(destination).hasToString(shown);
    assertThat(destination.toUrl()).isEqualTo("ssh://" + shown);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "-oProxyCommand=x",
        "@",
        "a@",
        "@b",
        "-l@b",
        "a b",
        "a:",
        "a:0",
        "a:65536",
        "a:x",
        "[::1",
        "[::1]x",
        "[]",
        "[::1]:",
        "a\u001b[2J",
        "a\n",
        "ä",
        "a;b",
        "a$(b)",
        "a/b",
        "a@-b",
        "x y@b"
      })
  void whatIsNoDestination(String text) {
    assertThatThrownBy(() -> Destination.parse(text))
        .isInstanceOfSatisfying(
            NepheleException.class,
            e -> {
              assertThat(e.kind()).isEqualTo(ErrorKind.USAGE);
              assertThat(e.getMessage()).doesNotContain("\u001b", "\n");
            });
  }

  @Test
  void aLongOneIsCutInTheSentence() {
    assertThatThrownBy(() -> Destination.parse("/".repeat(10_000))).message().hasSizeLessThan(250);
  }
}
