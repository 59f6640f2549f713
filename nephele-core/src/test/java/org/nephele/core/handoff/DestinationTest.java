package org.nephele.core.handoff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.nephele.core.handoff.DestinationAction.*;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.nephele.core.handoff.DestinationEvent.*;

class DestinationTest {
  private static final DestinationEvent LOST = new SessionLost("The network is down.");

  private static final class Run {
    Destination state = new Destination.Preparing();
    final List<DestinationAction> actions = new ArrayList<>();

    Run on(DestinationEvent... events) {
      for (DestinationEvent event : events) {
        Step<Destination, DestinationAction> step = state.on(event);
        state = step.next();
        actions.addAll(step.actions());
      }
      return this;
    }

    Run then(DestinationEvent... events) {
      actions.clear();
      return on(events);
    }
  }

  private static Run prepared() {
    return new Run().on(new Made()).then();
  }

  private static Run verifying() {
    return prepared().on(new Finished()).then();
  }

  private static Run ready() {
    return verifying().on(new Verified(), new JournalWritten()).then();
  }

  @Test
  void aHandoffThatWorks() {
    Run run =
        new Run()
            .on(
                new Made(),
                new Finished(),
                new Verified(),
                new JournalWritten(),
                new Commit(),
                new Resumed(),
                new JournalWritten());

    assertThat(run.actions)
        .containsExactly(
            SEND_PREPARED,
            VERIFY,
            WRITE_READY,
            SEND_READY,
            PASS_FINISH,
            RESUME,
            SEND_RUNNING,
            WRITE_TAKEN,
            ADOPT,
            SEND_TAKEN);
    assertThat(run.state).isEqualTo(new Destination.Taken());
  }

  @Test
  void theSourceHearsReadyOnlyWhenItIsOnDisk() {
    assertThat(verifying().on(new Verified()).actions).containsExactly(WRITE_READY);
    assertThat(verifying().on(new Verified(), new JournalWritten()).actions)
        .endsWith(SEND_READY, PASS_FINISH);
  }

  @Test
  void itRunsOnlyByTheSourcesWord() {
    Run run = ready().on(LOST, LOST);

    assertThat(run.actions).isEmpty();
    assertThat(run.state).isEqualTo(new Destination.Ready(false));
    assertThat(run.then(new Commit()).actions).containsExactly(RESUME);
  }

  @Test
  void beforeReadyALostConnectionLeavesNothing() {
    for (Run run : List.of(new Run(), prepared(), verifying(), verifying().on(new Verified()))) {
      run.then(LOST);
      assertThat(run.actions).containsExactly(DROP_FINISH, REMOVE);

      run.then(new Removed());
      assertThat(run.actions).containsExactly(SEND_DESTROYED);
      assertThat(run.state).isEqualTo(new Destination.Gone());
    }
  }

  @Test
  void anAbortIsAnsweredWhenNothingIsLeft() {
    for (Run run : List.of(new Run(), prepared(), verifying(), ready())) {
      run.then(new Abort("cancelled"));
      assertThat(run.actions).containsExactly(DROP_FINISH, REMOVE);
      run.then(new RemoveFailed("busy"));
      assertThat(run.actions).containsExactly(REMOVE);
      run.then(new Removed());
      assertThat(run.actions).containsExactly(SEND_DESTROYED);
      run.then(new Abort("again"));
      assertThat(run.actions).containsExactly(SEND_DESTROYED);
    }
  }

  @Test
  void aCopyThatIsNoGoodIsToldAndRemoved() {
    Run run = verifying().on(new Broken("not paused"));

    assertThat(run.actions).containsExactly(SEND_FAILED, DROP_FINISH, REMOVE);
    assertThat(run.then(new Abort("the source heard it"), LOST).actions).isEmpty();
    assertThat(run.then(new Removed()).actions).containsExactly(SEND_DESTROYED);
  }

  @Test
  void aJournalThatCantBeWrittenMeansNoReady() {
    Run run = verifying().on(new Verified()).then(new JournalFailed("disk full"));

    assertThat(run.actions).containsExactly(SEND_FAILED, DROP_FINISH, REMOVE);
  }

  @Test
  void takenIsNotSaidBeforeItIsOnDisk() {
    Run run = ready().on(new Commit(), new Resumed()).then(new JournalFailed("disk full"));
    assertThat(run.actions).containsExactly(WRITE_TAKEN);

    run.then(LOST, new Commit());
    assertThat(run.actions).isEmpty();
    assertThat(run.then(new JournalWritten()).actions).containsExactly(ADOPT, SEND_TAKEN);
  }

  @Test
  void theSourceMayAskAgain() {
    Run run = ready().on(new Commit(), new Resumed(), new JournalWritten()).then(new Commit());

    assertThat(run.actions).containsExactly(SEND_TAKEN);
    assertThat(run.then(LOST).actions).isEmpty();
  }

  @Test
  void aCopyThatWasLostBeforeItRanIsGivenBack() {
    Run run = ready().on(LOST, new Commit()).then(new CopyGone());
    assertThat(run.actions).containsExactly(DROP_FINISH, REMOVE);

    assertThat(run.then(new Removed()).actions).containsExactly(SEND_DESTROYED);
  }

  @Test
  void aCopyThatMayHaveRunIsNeitherTakenNorGivenBack() {
    Run run = new Run();
    run.state = Destination.recover(Journal.DestinationPhase.READY).next();
    for (int i = 0; i < 2; i++) {
      run.then(new Commit(), new CopyGone());
      assertThat(run.actions).containsExactly(RESUME, SEND_FAILED);
      assertThat(run.state).isEqualTo(new Destination.Ready(true));
    }
  }

  @Test
  void afterARestart() {
    assertThat(Destination.recover(Journal.DestinationPhase.PREPARED).actions())
        .containsExactly(REMOVE);
    assertThat(Destination.recover(Journal.DestinationPhase.READY))
        .isEqualTo(
            new Step<Destination, DestinationAction>(new Destination.Ready(true), List.of()));
    assertThat(Destination.recover(Journal.DestinationPhase.TAKEN).actions())
        .containsExactly(ADOPT);
  }

  @Test
  void whatCantBeIsRefused() {
    illegal(new Run(), new Commit(), new Finished(), new Verified(), new Resumed());
    illegal(prepared(), new Commit(), new Made(), new JournalWritten());
    illegal(verifying(), new Commit(), new JournalWritten(), new Finished());
    illegal(ready(), new Finished(), new Resumed(), new JournalWritten(), new Broken("x"));
    illegal(ready().on(new Commit()), new Abort("too late"), new JournalWritten());
    illegal(prepared().on(LOST), new Commit());
    illegal(ready().on(new Commit(), new Resumed(), new JournalWritten()), new Abort("too late"));
  }

  private static void illegal(Run run, DestinationEvent... events) {
    for (DestinationEvent event : events) {
      assertThatThrownBy(() -> run.state.on(event))
          .as("%s in %s", event, run.state)
          .isInstanceOf(IllegalEventException.class);
    }
  }
}
