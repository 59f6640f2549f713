package org.nephele.core.handoff;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class PeerMessageTest {
  private static final String ID = "0123456789abcdef0123456789abcdef";

  static Plan plan() {
    return new Plan(
        ID,
        "3f0c6a2e-7f6b-4a55-9c6e-0f1d2c3b4a59",
        "title with \"quotes\", <, & and Ünïcödé",
        List.of(80, 443),
        false,
        "/var/nephele/snapshots/x.zip",
        "2026-01-01T00:00:00Z",
        new Plan.Image("0123456789ab", "tiny", "ff".repeat(32)),
        new Plan.Hardware("TCG", "pc-i440fx-7.2", "Westmere", "7.2.22", 2, 1 << 18, 1L << 31, 77),
        "node1",
        "6e2a9d1a-1111-2222-3333-444444444444");
  }

  static Stream<PeerMessage> messages() {
    return Stream.of(
        new PeerMessage.Prepare(ID, plan()),
        new PeerMessage.Prepared(ID, "/a", "/b", "/c", ""),
        new PeerMessage.Refused(ID, -32003, "no image"),
        new PeerMessage.Ready(ID, List.of(new StreamDigest(2, "qemu", 1L << 40, "0011aabb"))),
        new PeerMessage.Commit(ID),
        new PeerMessage.Running(ID),
        new PeerMessage.Taken(ID, true, null),
        new PeerMessage.Taken(ID, null, "the ports are taken"),
        new PeerMessage.Abort(ID, "cancelled"),
        new PeerMessage.Failed(ID, "disk full"),
        new PeerMessage.Destroyed(ID));
  }

  @ParameterizedTest
  @MethodSource("messages")
  void everyMessageArrivesAsItWasSent(PeerMessage message) throws Exception {
    assertThat(PeerMessage.parse(message.toBytes())).isEqualTo(message);
  }

  @Test
  void laterVersionsMaySayMore() throws Exception {
    String text = "{\"type\":\"commit\",\"id\":\"" + ID + "\",\"later\":{\"x\":[1]}}";

    assertThat(PeerMessage.parse(text.getBytes(UTF_8))).isEqualTo(new PeerMessage.Commit(ID));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "null",
        "[]",
        "42",
        "{}",
        "{\"type\":\"commit\"}",
        "{\"type\":\"commit\",\"id\":\"../../etc/passwd\"}",
        "{\"type\":\"commit\",\"id\":\"0123456789ABCDEF0123456789ABCDEF\"}",
        "{\"type\":\"java.lang.Runtime\",\"id\":\"0123456789abcdef0123456789abcdef\"}",
        "{\"type\":\"taken\",\"id\":\"0123456789abcdef0123456789abcdef\"} x",
        "{\"type\":\"refused\",\"id\":\"0123456789abcdef0123456789abcdef\"}"
      })
  void whatIsNoMessageIsRefused(String text) {
    assertThatThrownBy(() -> PeerMessage.parse(text.getBytes(UTF_8)))
        .isInstanceOf(IOException.class);
  }

  @Test
  void journalsAreReadAsTheyWereWritten() throws Exception {
    Journal.SourceEntry source =
        new Journal.SourceEntry(1, Journal.SourcePhase.COMMITTED, "node2", plan());
    Journal.DestinationEntry destination =
        new Journal.DestinationEntry(
            1, Journal.DestinationPhase.READY, "2026-01-01T00:00:00Z", plan());

    assertThat(Journal.readSource(Journal.write(source))).isEqualTo(source);
    assertThat(Journal.readDestination(Journal.write(destination))).isEqualTo(destination);
    assertThatThrownBy(() -> Journal.readSource("{\"version\":2}".getBytes(UTF_8)))
        .isInstanceOf(IOException.class);
    assertThatThrownBy(() -> Journal.readSource("{\"version\":1".getBytes(UTF_8)))
        .isInstanceOf(IOException.class);
  }
}
