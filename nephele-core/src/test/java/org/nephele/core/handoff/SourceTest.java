package org.nephele.core.handoff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.nephele.core.handoff.SourceAction.*;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nephele.core.handoff.SourceEvent.*;
import org.nephele.core.protocol.ErrorKind;

class SourceTest {
  private static final SourceEvent LOST = new SessionLost("The network is down.");
  private static final SourceEvent LIBVIRT_FAILED = new LibvirtReturned(false, "no luck");
  private static final SourceEvent LIBVIRT_DONE = new LibvirtReturned(true, "");

  /** A handoff as it goes, with all that was done so far. */
  private static final class Run {
    Source state = new Source.Idle();
    final List<SourceAction> actions = new ArrayList<>();

    Run on(SourceEvent... events) {
      for (SourceEvent event : events) {
        Step<Source, SourceAction> step = state.on(event);
        state = step.next();
        actions.addAll(step.actions());
      }
      return this;
    }

    Run then(SourceEvent... events) {
      actions.clear();
      return on(events);
    }
  }

  private static Run moving() {
    return new Run().on(new Started(), new Prepared()).then();
  }

  private static Run deciding() {
    return moving().on(new PeerReady(), new FinishHeld()).then();
  }

  private static Run given() {
    return deciding().on(new JournalWritten()).then();
  }

  @Test
  void aHandoffThatWorks() {
    Run run =
        new Run()
            .on(
                new Started(),
                new Prepared(),
                new PeerReady(),
                new FinishHeld(),
                new JournalWritten(),
                new PeerTaken(),
                LIBVIRT_DONE,
                new DomainGone());

    assertThat(run.actions)
        .containsExactly(
            SEND_PREPARE,
            START_MIGRATION,
            WRITE_COMMIT,
            SEND_COMMIT,
            PASS_FINISH,
            DESTROY_DOMAIN,
            FORGET_INSTANCE);
    assertThat(run.state).isEqualTo(new Source.Moved());
  }

  @Test
  void readyAndTheHeldReplyMayComeInAnyOrder() {
    assertThat(moving().on(new FinishHeld()).actions).isEmpty();
    assertThat(moving().on(new FinishHeld(), new PeerReady()).actions)
        .containsExactly(WRITE_COMMIT);
    assertThat(moving().on(new PeerReady()).actions).isEmpty();
  }

  @Test
  void nothingIsToldToAnybodyBeforeTheDecisionIsOnDisk() {
    assertThat(deciding().state).isInstanceOf(Source.Deciding.class);
    assertThat(deciding().actions).doesNotContain(SEND_COMMIT, PASS_FINISH);
    assertThat(deciding().on(new JournalWritten()).actions).containsExactly(SEND_COMMIT);
  }

  @Test
  void theSourceIsKilledOnlyWhenTheDestinationHasItOnDisk() {
    Run run = given().on(LOST, new PeerFailed("x"), new Cancelled());
    assertThat(run.actions).containsExactly(SETTLE_COMMIT);

    run.then(new PeerTaken());
    assertThat(run.actions).containsExactly(PASS_FINISH);
    run.then(new PeerTaken(), LIBVIRT_DONE, new DomainGone());
    assertThat(run.actions).containsExactly(DESTROY_DOMAIN, FORGET_INSTANCE);
  }

  @Test
  void aRefusalLeavesNothing() {
    Failure failure = new Failure(ErrorKind.NOT_FOUND, "no image");
    Run run = new Run().on(new Started()).then(new Refused(failure));

    assertThat(run.state).isEqualTo(new Source.Kept(failure));
    assertThat(run.actions).containsExactly(FORGET_JOURNAL);
  }

  @Test
  void aConnectionLostWhilePreparingLeavesNothing() {
    Run run = new Run().on(new Started()).then(LOST);

    assertThat(run.state).isInstanceOf(Source.Kept.class);
    assertThat(run.actions).containsExactly(FORGET_JOURNAL);
  }

  @Test
  void cancelledWhilePreparingItWaitsForTheDestination() {
    Run run = new Run().on(new Started()).then(new Cancelled());
    assertThat(run.actions).containsExactly(SEND_ABORT);
    run.then(new Prepared());
    assertThat(run.actions).isEmpty();

    run.then(new PeerDestroyed());
    assertThat(run.actions).containsExactly(RESUME_DOMAIN, FORGET_JOURNAL);
    assertThat(((Source.Kept) run.state).failure().kind()).isEqualTo(ErrorKind.CANCELLED);
  }

  @Test
  void whenLibvirtFailsTheSourceGoesOnOnceTheCopyIsDestroyed() {
    Run run = moving().on(LIBVIRT_FAILED);
    assertThat(run.actions).containsExactly(SEND_ABORT);

    run.then(new PeerDestroyed());
    assertThat(run.actions).containsExactly(RESUME_DOMAIN, FORGET_JOURNAL);
    assertThat(((Source.Kept) run.state).failure().message()).contains("no luck");
  }

  @Test
  void whenTheConnectionIsLostTheSourceGoesOnAndTellsLater() {
    Run run = moving().on(LOST);
    assertThat(run.actions).containsExactly(ABORT_MIGRATION, DROP_FINISH);

    run.then(LIBVIRT_FAILED);
    assertThat(run.actions).containsExactly(RESUME_DOMAIN, WRITE_ABORT, SETTLE_ABORT);
    assertThat(((Source.Kept) run.state).failure().message()).contains("network is down");
  }

  @Test
  void aHeldReplyIsDroppedOnlyWhenTheCopyIsDestroyedOrTheConnectionLost() {
    for (SourceEvent last : List.of(new PeerDestroyed(), LOST)) {
      Run run = moving().on(new FinishHeld(), new Cancelled());
      assertThat(run.actions).doesNotContain(DROP_FINISH);

      run.then(last);
      assertThat(run.actions).containsExactly(DROP_FINISH);
      run.then(LIBVIRT_FAILED);
      assertThat(run.actions).startsWith(RESUME_DOMAIN);
    }
  }

  @Test
  void aDestinationThatFailsIsToldToCleanUp() {
    Run run = moving().on(new PeerFailed("disk full"));
    assertThat(run.actions).containsExactly(ABORT_MIGRATION, SEND_ABORT);

    run.then(new PeerDestroyed());
    assertThat(run.actions).containsExactly(DROP_FINISH);
    run.then(LIBVIRT_FAILED);
    assertThat(run.actions).containsExactly(RESUME_DOMAIN, FORGET_JOURNAL);
  }

  @Test
  void whatTheDestinationSaysAfterItWasGivenUpChangesNothing() {
    Run run = moving().on(new Cancelled()).then(new PeerReady(), new FinishHeld());

    assertThat(run.actions).isEmpty();
    assertThat(run.state).isInstanceOf(Source.Aborting.class);
  }

  @ParameterizedTest
  @MethodSource("reasonsToTakeBack")
  void aDecisionThatNobodyWasToldIsTakenBackOnDiskBeforeTheSourceGoesOn(SourceEvent reason) {
    Run run = deciding().on(reason);
    assertThat(run.actions).isEmpty();
    run.then(new JournalWritten());
    assertThat(run.actions).containsExactly(WRITE_ABORT);
    assertThat(run.actions).doesNotContain(RESUME_DOMAIN, DROP_FINISH, SEND_ABORT);

    run.then(new JournalWritten());
    assertThat(run.actions).doesNotContain(RESUME_DOMAIN);
    if (((Source.Aborting) run.state).peer() == Source.Peer.ASKED) {
      assertThat(run.actions).containsExactly(SEND_ABORT);
      run.on(new PeerDestroyed());
    }
    if (!(reason instanceof LibvirtReturned)) {
      assertThat(run.actions).contains(DROP_FINISH);
      run.then(LIBVIRT_FAILED);
    }
    assertThat(run.actions).contains(RESUME_DOMAIN);
    assertThat(run.state).isInstanceOf(Source.Kept.class);
  }

  static Stream<SourceEvent> reasonsToTakeBack() {
    return Stream.of(
        LOST, new PeerFailed("x"), new PeerDestroyed(), new Cancelled(), LIBVIRT_FAILED);
  }

  @Test
  void aDecisionThatMayBeOnDiskIsTakenBackThereUntilThatWorks() {
    Run run = deciding().on(new JournalFailed("disk full"));
    assertThat(run.actions).containsExactly(WRITE_ABORT);
    run.then(new JournalFailed("disk full"), new JournalFailed("disk full"));
    assertThat(run.actions).containsExactly(WRITE_ABORT, WRITE_ABORT);

    run.then(new JournalWritten());
    assertThat(run.actions).containsExactly(SEND_ABORT);
    run.then(LOST);
    assertThat(run.actions).containsExactly(DROP_FINISH);
    run.then(LIBVIRT_FAILED);
    assertThat(run.actions).containsExactly(RESUME_DOMAIN, WRITE_ABORT, SETTLE_ABORT);
  }

  @Test
  void afterTheDecisionTheSourceNeverGoesOnByItself() {
    Run run = given().on(LOST, new Cancelled(), LIBVIRT_FAILED, new PeerFailed("x"));

    assertThat(run.actions).containsExactly(SETTLE_COMMIT);
    assertThat(run.state).isInstanceOf(Source.Given.class);
  }

  @Test
  void aSourceThatLibvirtDidNotKillIsDestroyedOnceTheDestinationHasIt() {
    Run run = given().on(LIBVIRT_FAILED);
    assertThat(run.actions).isEmpty();
    run.then(new PeerTaken());
    assertThat(run.actions).containsExactly(DESTROY_DOMAIN);

    run.then(new DomainGone());
    assertThat(run.actions).containsExactly(FORGET_INSTANCE);
    assertThat(run.state).isEqualTo(new Source.Moved());
  }

  @Test
  void onlyADestinationThatNeverHadItGivesItBack() {
    Run run = given().on(LOST).then(new PeerDestroyed());
    assertThat(run.actions).containsExactly(WRITE_ABORT);
    run.then(new JournalWritten());
    assertThat(run.actions).containsExactly(DROP_FINISH);
    run.then(LIBVIRT_FAILED);
    assertThat(run.actions).containsExactly(RESUME_DOMAIN, FORGET_JOURNAL);
    assertThat(run.state).isInstanceOf(Source.Kept.class);

    run = given().on(LIBVIRT_FAILED).then(new PeerDestroyed(), new JournalWritten());
    assertThat(run.actions).containsExactly(WRITE_ABORT, RESUME_DOMAIN, FORGET_JOURNAL);
  }

  @Test
  void whatBothHaveLostIsLost() {
    assertThat(given().on(new DomainGone(), new PeerDestroyed()).state)
        .isEqualTo(new Source.Lost());
    Source gone = Source.recover(Journal.SourcePhase.COMMITTED, false).next();
    Step<Source, SourceAction> lost = gone.on(new PeerDestroyed());
    assertThat(lost.next()).isEqualTo(new Source.Lost());
    assertThat(lost.actions()).containsExactly(FORGET_JOURNAL);
  }

  @Test
  void theInstanceIsForgottenOnlyWhenTheDestinationHasItAndItIsGoneHere() {
    for (SourceEvent returned : List.of(LIBVIRT_DONE, LIBVIRT_FAILED)) {
      Run run = given().on(new PeerTaken());
      assertThat(run.actions).containsExactly(PASS_FINISH);
      assertThat(run.then(returned).actions).containsExactly(DESTROY_DOMAIN);
      assertThat(run.then(new DomainGone()).actions).containsExactly(FORGET_INSTANCE);
    }
  }

  @Test
  void afterARestartBeforeTheDecisionTheSourceGoesOn() {
    for (var phase : List.of(Journal.SourcePhase.STARTED, Journal.SourcePhase.ABORTED)) {
      Step<Source, SourceAction> step = Source.recover(phase, true);

      assertThat(step.next()).isInstanceOf(Source.Kept.class);
      assertThat(step.actions()).containsExactly(RESUME_DOMAIN, WRITE_ABORT, SETTLE_ABORT);
    }
  }

  @Test
  void afterARestartAfterTheDecisionTheDestinationIsTold() {
    Step<Source, SourceAction> there = Source.recover(Journal.SourcePhase.COMMITTED, true);
    assertThat(there.actions()).containsExactly(SETTLE_COMMIT);
    Step<Source, SourceAction> taken = there.next().on(new PeerTaken());
    assertThat(taken.actions()).containsExactly(DESTROY_DOMAIN);

    Step<Source, SourceAction> gone = Source.recover(Journal.SourcePhase.COMMITTED, false);
    assertThat(gone.next().on(new PeerTaken()).actions()).containsExactly(FORGET_INSTANCE);
  }

  @Test
  void lateWordsAfterTheEndAreIgnored() {
    Run run = given().on(new PeerTaken(), LIBVIRT_DONE, new DomainGone());
    run.then(LOST, new Cancelled());

    assertThat(run.actions).isEmpty();
    assertThat(run.state).isEqualTo(new Source.Moved());
  }

  @Test
  void whatCantBeIsRefused() {
    assertThatThrownBy(() -> new Source.Idle().on(new Prepared()))
        .isInstanceOf(IllegalEventException.class);
    illegal(new Run().on(new Started()), new PeerReady(), new FinishHeld(), new PeerTaken());
    illegal(moving(), LIBVIRT_DONE, new PeerTaken(), new Prepared(), new JournalWritten());
    illegal(moving().on(new PeerReady()), new PeerReady());
    illegal(deciding(), new PeerTaken(), LIBVIRT_DONE, new Prepared());
    illegal(given(), new PeerReady(), new Prepared(), new JournalWritten());
    illegal(moving().on(new Cancelled()), new PeerTaken());
    illegal(given().on(new PeerTaken(), LIBVIRT_DONE, new DomainGone()), new Started());
  }

  private static void illegal(Run run, SourceEvent... events) {
    for (SourceEvent event : events) {
      assertThatThrownBy(() -> run.state.on(event))
          .as("%s in %s", event, run.state)
          .isInstanceOf(IllegalEventException.class);
    }
  }
}
