package org.nephele.server.handoff;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.nephele.core.handoff.Destination;
import org.nephele.core.handoff.DestinationAction;
import org.nephele.core.handoff.DestinationEvent;
import org.nephele.core.handoff.Step;

@Timeout(30)
class DriverTest {

  /** Carries nothing out, but answers for the journal at once. */
  private static final class Recording
      extends Driver<Destination, DestinationEvent, DestinationAction> {
    final List<DestinationAction> done = new CopyOnWriteArrayList<>();
    final List<DestinationEvent> refused = new CopyOnWriteArrayList<>();
    final CountDownLatch over = new CountDownLatch(1);

    Recording() {
      super("test", new Destination.Preparing());
    }

    @Override
    Step<Destination, DestinationAction> step(Destination state, DestinationEvent event) {
      return state.on(event);
    }

    @Override
    boolean ended(Destination state) {
      return state.ended();
    }

    @Override
    void carryOut(DestinationAction action) {
      done.add(action);
      switch (action) {
        case WRITE_READY, WRITE_TAKEN -> postFirst(new DestinationEvent.JournalWritten());
        case VERIFY -> postFirst(new DestinationEvent.Verified());
        case RESUME -> postFirst(new DestinationEvent.Resumed());
        default -> {}
      }
    }

    @Override
    void illegal(DestinationEvent event) {
      refused.add(event);
    }

    @Override
    void over() {
      over.countDown();
    }
  }

  @Test
  void eventsAreTakenInOrderAndWhatComesOfAnActionFirst() throws Exception {
    Recording driver = new Recording();
    driver.post(new DestinationEvent.Made());
    driver.post(new DestinationEvent.Finished());
    driver.post(new DestinationEvent.Commit());
    driver.startThread();

    assertThat(driver.over.await(10, TimeUnit.SECONDS)).isTrue();
    assertThat(driver.awaitOver(10_000)).isTrue();
    assertThat(driver.state()).isEqualTo(new Destination.Taken());
    assertThat(driver.refused).isEmpty();
    assertThat(driver.done)
        .containsExactly(
            DestinationAction.SEND_PREPARED,
            DestinationAction.VERIFY,
            DestinationAction.WRITE_READY,
            DestinationAction.SEND_READY,
            DestinationAction.PASS_FINISH,
            DestinationAction.RESUME,
            DestinationAction.SEND_RUNNING,
            DestinationAction.WRITE_TAKEN,
            DestinationAction.ADOPT,
            DestinationAction.SEND_TAKEN);
  }

  @Test
  void itIsNotOverBeforeTheLastActionIsDone() throws Exception {
    Recording driver = new Recording();
    assertThat(driver.awaitOver(10)).isFalse();
    driver.post(new DestinationEvent.Abort("never mind"));
    driver.post(new DestinationEvent.Removed());
    driver.startThread();

    assertThat(driver.awaitOver(10_000)).isTrue();
    assertThat(driver.over.getCount()).isZero();
    assertThat(driver.done).endsWith(DestinationAction.SEND_DESTROYED);
  }

  @Test
  void whatCantBeIsLeftOutAndTheRestGoesOn() throws Exception {
    Recording driver = new Recording();
    driver.post(new DestinationEvent.Commit());
    driver.post(new DestinationEvent.Abort("never mind"));
    driver.post(new DestinationEvent.Removed());
    driver.startThread();

    assertThat(driver.over.await(10, TimeUnit.SECONDS)).isTrue();
    assertThat(driver.refused).containsExactly(new DestinationEvent.Commit());
    assertThat(driver.state()).isEqualTo(new Destination.Gone());
  }
}
