package org.nephele.server.handoff;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.nephele.core.handoff.Journal.SourcePhase;
import org.nephele.core.handoff.PeerMessage;
import org.nephele.core.handoff.Plan;
import org.nephele.core.mux.Hello;
import org.nephele.core.mux.MuxSession;
import org.nephele.server.peer.PeerConnector;

class SettlerTest {
  private static final String ID = "00112233445566778899aabbccddeeff";

  @TempDir Path root;

  private static boolean settles() {
    return Thread.getAllStackTraces().keySet().stream()
        .anyMatch(thread -> thread.getName().equals("settle " + ID));
  }

  @Test
  @Timeout(60)
  void itEndsWhenSomebodyHasSettledItByHand() throws Exception {
    Hello hello = new Hello(MuxSession.PROTOCOL, "test", "1", "x", List.of());
    Journals journals = new Journals(root.resolve("handoffs"));
    Plan plan =
        new Plan(ID, "x", "x", List.of(), false, "", "", null, null, "node1", "not looked at");
    journals.write(SourcePhase.COMMITTED, "127.0.0.1:1", plan);
    Settler settler = new Settler(new PeerConnector(root.resolve("no key"), hello), journals);

    settler.tell(
        "127.0.0.1:1",
        new PeerMessage.Commit(ID),
        answer -> {
          throw new IllegalStateException("nobody is there");
        });
    TimeUnit.MILLISECONDS.sleep(500);
    assertThat(settles()).isTrue();

    journals.deleteSource(ID);
    while (settles()) {
      TimeUnit.MILLISECONDS.sleep(100);
    }
  }
}
