package org.nephele.server.handoff;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.nephele.core.handoff.PeerMessage;
import org.nephele.core.mux.MuxStream;
import org.nephele.server.peer.PeerEvents;

class HandOffTest {
  private final List<String> reasons = new ArrayList<>();

  private final PeerEvents listener =
      new PeerEvents() {
        @Override
        public void message(PeerMessage message) {}

        @Override
        public void opened(MuxStream stream) {}

        @Override
        public void lost(String reason) {
          reasons.add(reason);
        }
      };

  @Test
  void aSessionThatIsLostBeforeAnybodyListensIsNotForgotten() {
    HandOff.Relayed early = new HandOff.Relayed();
    early.lost("early");
    early.passTo(listener);
    HandOff.Relayed late = new HandOff.Relayed();
    late.passTo(listener);
    late.lost("late");

    assertThat(reasons).containsExactly("early", "late");
  }
}
