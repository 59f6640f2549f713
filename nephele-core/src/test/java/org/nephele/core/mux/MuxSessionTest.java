package org.nephele.core.mux;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.nephele.core.mux.LinkPair.Two;

@Timeout(60)
class MuxSessionTest {

  @Test
  void bothSidesKnowWhoTheOtherIs() throws Exception {
    try (Two two = Two.open()) {
      two.source().sendControl("to the right".getBytes(UTF_8));
      two.destination().sendControl("to the left".getBytes(UTF_8));

      assertThat(two.atDestination().messages.poll(5, TimeUnit.SECONDS))
          .asString(UTF_8)
          .isEqualTo("to the right");
      assertThat(two.atSource().messages.poll(5, TimeUnit.SECONDS))
          .asString(UTF_8)
          .isEqualTo("to the left");
    }
  }

  @Test
  void bigTransfersBothWaysAtOnceArriveWhole() throws Exception {
    try (Two two = Two.open()) {
      int bytes = 64 << 20;
      List<CompletableFuture<Long>> sums = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        MuxStream here = two.source().open("stream " + i);
        MuxStream there = two.atDestination().stream();
        assertThat(there.kind()).isEqualTo("stream " + i);
        sums.add(run(() -> send(here.output(), 1, bytes)));
        sums.add(run(() -> receive(there.input())));
        sums.add(run(() -> send(there.output(), 2, bytes)));
        sums.add(run(() -> receive(here.input())));
      }
      for (int i = 0; i < sums.size(); i += 2) {
        assertThat(sums.get(i).get()).isEqualTo(sums.get(i + 1).get());
      }
    }
  }

  @Test
  void aStreamThatNobodyReadsDoesNotHoldUpTheOthers() throws Exception {
    try (Two two = Two.open()) {
      MuxStream stuck = two.source().open("stuck");
      two.atDestination().stream();
      CompletableFuture<Long> blocked = run(() -> send(stuck.output(), 3, 8 << 20));
      MuxStream here = two.source().open("free");
      MuxStream there = two.atDestination().stream();

      CompletableFuture<Long> sent = run(() -> send(here.output(), 4, 16 << 20));

      assertThat(receive(there.input())).isEqualTo(sent.get());
      assertThat(blocked).isNotDone();
    }
  }

  @Test
  void noMoreThanTheCreditIsUnderWay() throws Exception {
    try (Two two = Two.open()) {
      MuxStream here = two.source().open("slow");
      MuxStream there = two.atDestination().stream();
      long before = two.source().bytesSent();
      CompletableFuture<Long> sent = run(() -> send(here.output(), 5, 4 << 20));
      Thread.sleep(300);

      assertThat(two.source().bytesSent() - before)
          .isBetween((long) MuxSession.WINDOW, MuxSession.WINDOW + 1000L);
      receive(there.input());
      sent.get();
    }
  }

  @Test
  void oneEndOfAStreamMayEndBeforeTheOther() throws Exception {
    try (Two two = Two.open()) {
      MuxStream here = two.source().open("half");
      MuxStream there = two.atDestination().stream();
      here.output().write("question".getBytes(UTF_8));
      here.output().close();

      assertThat(there.input().readAllBytes()).asString(UTF_8).isEqualTo("question");
      there.output().write("answer".getBytes(UTF_8));
      there.output().close();
      assertThat(here.input().readAllBytes()).asString(UTF_8).isEqualTo("answer");
      assertThatThrownBy(() -> here.output().write(1)).isInstanceOf(IOException.class);
    }
  }

  @Test
  void aResetIsToldWithItsReasonAndEndsOnlyThatStream() throws Exception {
    try (Two two = Two.open()) {
      MuxStream here = two.source().open("doomed");
      MuxStream there = two.atDestination().stream();
      MuxStream other = two.source().open("other");
      MuxStream otherThere = two.atDestination().stream();
      there.reset("no such socket");

      assertThatThrownBy(() -> here.input().read()).hasMessageContaining("no such socket");
      assertThatThrownBy(() -> here.output().write(new byte[10]))
          .hasMessageContaining("no such socket");
      other.output().write(7);
      assertThat(otherThere.input().read()).isEqualTo(7);
    }
  }

  @Test
  void closingTellsTheOtherSideAndEndsItsStreams() throws Exception {
    try (Two two = Two.open()) {
      MuxStream here = two.source().open("x");
      MuxStream there = two.atDestination().stream();
      two.source().close("The agent is being stopped.");

      assertThat(two.atDestination().reason()).isEqualTo("The agent is being stopped.");
      assertThatThrownBy(() -> there.input().read()).hasMessageContaining("being stopped");
      assertThatThrownBy(() -> here.output().write(1)).isInstanceOf(IOException.class);
      assertThatThrownBy(() -> two.source().open("y")).isInstanceOf(SessionClosedException.class);
    }
  }

  @Test
  void whatWasReceivedBeforeTheEndCanStillBeRead() throws Exception {
    try (Two two = Two.open()) {
      MuxStream here = two.source().open("x");
      MuxStream there = two.atDestination().stream();
      here.output().write("last words".getBytes(UTF_8));
      two.source().close();
      two.atDestination().reason();

      assertThat(there.input().readNBytes(10)).asString(UTF_8).isEqualTo("last words");
      assertThatThrownBy(() -> there.input().read()).isInstanceOf(SessionClosedException.class);
    }
  }

  @Test
  void anIdleSessionStaysAlive() throws Exception {
    try (Two two = Two.open()) {
      Thread.sleep(2500);

      assertThat(two.atSource().closed).isNotDone();
      assertThat(two.atDestination().closed).isNotDone();
    }
  }

  @Test
  void aSilentOtherSideIsHeldForDead() throws Exception {
    try (LinkPair pair = LinkPair.open()) {
      RawPeer raw = new RawPeer(pair);
      raw.greet();
      MuxSession session = raw.session();
      MuxStream stream = session.open("x");
      CompletableFuture<Long> blocked = run(() -> send(stream.output(), 1, 64 << 20));

      assertThat(raw.heard.reason()).contains("Nothing was heard").contains("down");
      assertThatThrownBy(blocked::get).hasMessageContaining("Nothing was heard");
      assertThatThrownBy(() -> stream.input().read()).hasMessageContaining("Nothing was heard");
    }
  }

  @Test
  void onlyTheSideThatConnectedOpensStreams() throws Exception {
    try (Two two = Two.open()) {
      assertThatThrownBy(() -> two.destination().open("x"))
          .isInstanceOf(IllegalStateException.class);
    }
  }

  private interface Job {
    long run() throws Exception;
  }

  private static CompletableFuture<Long> run(Job job) {
    CompletableFuture<Long> result = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                result.complete(job.run());
              } catch (Exception e) {
                result.completeExceptionally(e);
              }
            });
    thread.setDaemon(true);
    thread.start();
    return result;
  }

  private static long send(OutputStream out, long seed, int bytes) throws IOException {
    Random random = new Random(seed);
    CRC32C crc = new CRC32C();
    int left = bytes;
    while (left > 0) {
      byte[] piece = new byte[Math.min(left, 1 + random.nextInt(200_000))];
      random.nextBytes(piece);
      crc.update(piece);
      out.write(piece);
      left -= piece.length;
    }
    out.close();
    return crc.getValue();
  }

  private static long receive(InputStream in) throws IOException {
    CRC32C crc = new CRC32C();
    byte[] piece = new byte[100_000];
    for (int n = in.read(piece); n >= 0; n = in.read(piece)) {
      crc.update(piece, 0, n);
    }
    return crc.getValue();
  }
}
