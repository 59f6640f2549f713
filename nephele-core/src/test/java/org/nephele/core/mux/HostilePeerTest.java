package org.nephele.core.mux;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What an agent must not fall for. */
@Timeout(60)
class HostilePeerTest {

  @Test
  void somethingElseThanAnAgentIsQuoted() throws Exception {
    try (LinkPair pair = LinkPair.open()) {
      RawPeer raw = new RawPeer(pair);
      raw.out.write("bash: nephele-peer: command not found\n".getBytes(UTF_8));

      assertThat(raw.refusal())
          .hasMessageContaining("no agent of ours")
          .hasMessageContaining("bas");
    }
  }

  @Test
  void anotherVersionIsToldApart() throws Exception {
    try (LinkPair pair = LinkPair.open()) {
      RawPeer raw = new RawPeer(pair);
      raw.out.write("NEPHPEER".getBytes(UTF_8));
      raw.frame(0, 0, "{\"protocol\":2,\"agent\":\"x\",\"version\":\"9.9\",\"new\":[1]}");

      assertThat(raw.refusal())
          .isInstanceOf(WrongVersionException.class)
          .hasMessageContaining("9.9")
          .hasMessageContaining("version 2");
    }
  }

  @Test
  void whoeverSaysNothingIsGivenUp() throws Exception {
    try (LinkPair pair = LinkPair.open()) {
      RawPeer raw = new RawPeer(pair);

      assertThat(raw.refusal()).hasMessageContaining("Nothing was heard");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {9, 100, 255})
  void unknownFramesEndTheSession(int type) throws Exception {
    try (LinkPair pair = LinkPair.open()) {
      RawPeer raw = new RawPeer(pair).greet();
      raw.frame(type, 0, "x");

      assertThat(raw.heard.reason()).contains("broke the protocol").contains("unknown type");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {262145, Integer.MAX_VALUE, -1, Integer.MIN_VALUE})
  void lengthsAreLookedAtFirst(int length) throws Exception {
    try (LinkPair pair = LinkPair.open()) {
      RawPeer raw = new RawPeer(pair).greet();
      raw.head(1, 0, length);

      assertThat(raw.heard.reason()).contains("broke the protocol").contains("bytes");
    }
  }

  @Test
  void moreThanTheCreditEndsTheSession() throws Exception {
    try (LinkPair pair = LinkPair.open()) {
      RawPeer raw = new RawPeer(pair, false).greet();
      raw.frame(2, 1, "greedy");
      byte[] piece = new byte[256 << 10];
      for (int i = 0; i < 4; i++) {
        raw.frame(3, 1, piece);
      }
      raw.frame(3, 1, "x");

      assertThat(raw.heard.reason()).contains("more data on a stream than its credit");
    }
  }

  @Test
  void moreCreditThanThereIsEndsTheSession() throws Exception {
    try (LinkPair pair = LinkPair.open()) {
      RawPeer raw = new RawPeer(pair, false).greet();
      raw.frame(2, 1, "x");
      raw.frame(6, 1, ByteBuffer.allocate(4).putInt(1).array());

      assertThat(raw.heard.reason()).contains("a credit of 1 bytes");
    }
  }

  @Test
  void streamsAreOpenedInTurnOnly() throws Exception {
    try (LinkPair pair = LinkPair.open()) {
      RawPeer raw = new RawPeer(pair, false).greet();
      raw.frame(2, 5, "x");

      assertThat(raw.heard.reason()).contains("out of turn");
    }
  }

  @Test
  void whoWasConnectedToOpensNone() throws Exception {
    try (LinkPair pair = LinkPair.open()) {
      RawPeer raw = new RawPeer(pair, true).greet();
      raw.frame(2, 1, "x");

      assertThat(raw.heard.reason()).contains("out of turn");
    }
  }

  @Test
  void streamsAreBounded() throws Exception {
    try (LinkPair pair = LinkPair.open()) {
      RawPeer raw = new RawPeer(pair, false).greet();
      for (int i = 1; i <= MuxSession.MAX_STREAMS + 1; i++) {
        raw.frame(2, i, "x");
      }

      assertThat(raw.heard.reason()).contains("streams at once");
    }
  }

  @Test
  void dataAfterTheEndEndsTheSession() throws Exception {
    try (LinkPair pair = LinkPair.open()) {
      RawPeer raw = new RawPeer(pair, false).greet();
      raw.frame(2, 1, "x");
      raw.frame(4, 1, "");
      raw.frame(3, 1, "more");

      assertThat(raw.heard.reason()).contains("after the end");
    }
  }

  @Test
  void framesForAStreamThatWasResetHereAreDropped() throws Exception {
    try (LinkPair pair = LinkPair.open()) {
      RawPeer raw = new RawPeer(pair, false).greet();
      raw.frame(2, 1, "x");
      raw.heard.stream().reset("not wanted");
      raw.frame(3, 1, "still on its way");
      raw.frame(4, 1, "");
      raw.frame(1, 0, "hello");

      assertThat(raw.heard.messages.take()).asString(UTF_8).isEqualTo("hello");
    }
  }

  @Test
  void aCutInTheMiddleOfAFrameIsAnError() throws Exception {
    try (LinkPair pair = LinkPair.open()) {
      RawPeer raw = new RawPeer(pair, false).greet();
      raw.frame(2, 1, "x");
      MuxStream stream = raw.heard.stream();
      raw.head(3, 1, 100);
      raw.out.write(new byte[50]);
      pair.right.close();

      assertThat(raw.heard.reason()).contains("The connection to the other agent");
      assertThatThrownBy(() -> stream.input().readAllBytes())
          .isInstanceOf(SessionClosedException.class);
    }
  }

  @Test
  void reasonsFromOutsideHaveNoControlCharacters() throws Exception {
    try (LinkPair pair = LinkPair.open()) {
      RawPeer raw = new RawPeer(pair, false).greet();
      raw.frame(8, 0, "\u001b[2Jgone");

      assertThat(raw.heard.reason()).isEqualTo("?[2Jgone");
    }
  }

  @Test
  void noiseEndsTheSessionAndNothingElse() throws Exception {
    for (int seed = 0; seed < 200; seed++) {
      try (LinkPair pair = LinkPair.open()) {
        RawPeer raw = new RawPeer(pair, false).greet();
        Random random = new Random(seed);
        byte[] noise = new byte[1 + random.nextInt(2000)];
        random.nextBytes(noise);
        if (random.nextBoolean()) {
          noise[0] = (byte) random.nextInt(9);
          if (noise.length > 8) {
            noise[1] = 0;
            noise[2] = 0;
            noise[3] = (byte) random.nextInt(2);
            noise[4] = 0;
            noise[5] = 0;
          }
        }
        raw.out.write(noise);
        pair.right.shutdownOutput();

        assertThat(raw.heard.reason()).as("seed %d", seed).isNotEmpty();
      }
    }
  }
}
