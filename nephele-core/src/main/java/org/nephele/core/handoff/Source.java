package org.nephele.core.handoff;

import static org.nephele.core.handoff.SourceAction.*;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.nephele.core.handoff.SourceEvent.*;
import org.nephele.core.protocol.ErrorKind;

/**
 * The source's side of a handoff: a state, and what an event makes of it. Pure and immutable. The
 * package's description has the picture and the rules.
 */
public sealed interface Source {

  /** Nothing was said to the destination. */
  record Idle() implements Source {}

  /** PREPARE was sent. */
  record Preparing() implements Source {}

  /**
   * libvirt is at work.
   *
   * @param ready the destination has said READY
   * @param held libvirt's good reply is here
   */
  record Moving(boolean ready, boolean held) implements Source {}

  /**
   * COMMITTED is being written. The destination does not know, so this can still be taken back.
   *
   * @param instead why it will be, once we know what is on disk
   * @param returned libvirt's call has come back, which it only does with an error now
   * @param peer what became of the destination's copy
   */
  record Deciding(Optional<Failure> instead, boolean returned, Peer peer) implements Source {
    private Deciding because(Failure failure) {
      return new Deciding(Optional.of(instead.orElse(failure)), returned, peer);
    }
  }

  /**
   * The destination's. The source never runs again, unless the destination says that it has none.
   * It is not removed before the destination has it on disk, either: libvirt's reply stays held.
   *
   * @param taken the destination has said so
   * @param returned libvirt has
   * @param gone the source's domain is
   * @param destroyed the destination says that it has no copy and never ran one
   */
  record Given(boolean taken, boolean returned, boolean gone, boolean destroyed)
      implements Source {}

  /**
   * The source's after all.
   *
   * @param failure why
   * @param returned libvirt's call has come back, or was not made
   * @param peer what became of the destination's copy
   * @param clean the journal does not say COMMITTED
   */
  record Aborting(Failure failure, boolean returned, Peer peer, boolean clean) implements Source {}

  /** It runs at the destination, and nothing is left here. */
  record Moved() implements Source {}

  /** It runs here. */
  record Kept(Failure failure) implements Source {}

  /** Neither here nor there: the destination lost its copy before it ran, the source was gone. */
  record Lost() implements Source {}

  /** The destination's copy, as an aborting source knows it. */
  enum Peer {
    /** Was told, or will notice, and has not answered. */
    ASKED,
    DESTROYED,
    /** The connection is lost. What is there can't run, and will be told later. */
    UNKNOWN
  }

  /** Whether nothing more will come of it. */
  default boolean ended() {
    return this instanceof Moved || this instanceof Kept || this instanceof Lost;
  }

  /** Too late to cancel. */
  default boolean decided() {
    return this instanceof Given || this instanceof Moved || this instanceof Lost;
  }

  /**
   * After a restart, from what the journal says. The connection is gone, and libvirt has noticed
   * that its client has.
   *
   * @param domainThere whether there is still a domain here
   */
  static Step<Source, SourceAction> recover(Journal.SourcePhase phase, boolean domainThere) {
    Failure restarted =
        new Failure(ErrorKind.HANDOFF_FAILED, "The agent was restarted during the handoff.");
    return switch (phase) {
      case STARTED, ABORTED ->
          Step.to(new Kept(restarted), RESUME_DOMAIN, WRITE_ABORT, SETTLE_ABORT);
      case COMMITTED -> Step.to(new Given(false, true, !domainThere, false), SETTLE_COMMIT);
    };
  }

  /**
   * @throws IllegalEventException when that can't happen now
   */
  default Step<Source, SourceAction> on(SourceEvent event) {
    if (this instanceof Idle && event instanceof Started) {
      return Step.to(new Preparing(), SEND_PREPARE);
    }
    if (this instanceof Preparing) {
      return preparing(event);
    }
    if (this instanceof Moving s) {
      return moving(s, event);
    }
    if (this instanceof Deciding s) {
      return deciding(s, event);
    }
    if (this instanceof Given s) {
      return given(s, event);
    }
    if (this instanceof Aborting s) {
      return aborting(s, event);
    }
    if (ended() && !(event instanceof Started)) {
      return Step.to(this); // the last words of a connection, a late cancel
    }
    throw new IllegalEventException(this, event);
  }

  private Step<Source, SourceAction> preparing(SourceEvent event) {
    if (event instanceof Prepared) {
      return Step.to(new Moving(false, false), START_MIGRATION);
    }
    if (event instanceof Refused e) {
      return Step.to(new Kept(e.failure()), FORGET_JOURNAL);
    }
    if (event instanceof SessionLost e) {
      // It cleans up by itself: it never was READY.
      return Step.to(new Kept(failed(e.reason())), FORGET_JOURNAL);
    }
    if (event instanceof PeerFailed e) {
      return Step.to(new Aborting(failed(e.message()), true, Peer.ASKED, true), SEND_ABORT);
    }
    if (event instanceof Cancelled) {
      return Step.to(new Aborting(cancelled(), true, Peer.ASKED, true), SEND_ABORT);
    }
    throw new IllegalEventException(this, event);
  }

  private Step<Source, SourceAction> moving(Moving s, SourceEvent event) {
    if (event instanceof PeerReady && !s.ready()) {
      return decide(new Moving(true, s.held()));
    }
    if (event instanceof FinishHeld && !s.held()) {
      return decide(new Moving(s.ready(), true));
    }
    if (event instanceof LibvirtReturned e && !e.succeeded()) {
      return Step.to(new Aborting(failed(e.message()), true, Peer.ASKED, true), SEND_ABORT);
    }
    if (event instanceof PeerFailed e) {
      return Step.to(
          new Aborting(failed(e.message()), false, Peer.ASKED, true), ABORT_MIGRATION, SEND_ABORT);
    }
    if (event instanceof PeerDestroyed) {
      Failure failure = failed("The destination gave its copy up.");
      return Step.to(
          new Aborting(failure, false, Peer.DESTROYED, true), ABORT_MIGRATION, DROP_FINISH);
    }
    if (event instanceof SessionLost e) {
      return Step.to(
          new Aborting(failed(e.reason()), false, Peer.UNKNOWN, true),
          ABORT_MIGRATION,
          DROP_FINISH);
    }
    if (event instanceof Cancelled) {
      return Step.to(
          new Aborting(cancelled(), false, Peer.ASKED, true), ABORT_MIGRATION, SEND_ABORT);
    }
    // libvirt can't have succeeded: its reply is held.
    throw new IllegalEventException(this, event);
  }

  private static Step<Source, SourceAction> decide(Moving s) {
    return s.ready() && s.held()
        ? Step.to(new Deciding(Optional.empty(), false, Peer.ASKED), WRITE_COMMIT)
        : Step.to(s);
  }

  private Step<Source, SourceAction> deciding(Deciding s, SourceEvent event) {
    if (event instanceof JournalWritten) {
      return s.instead().isEmpty()
          ? Step.to(new Given(false, false, false, false), SEND_COMMIT)
          : takeBack(s);
    }
    if (event instanceof JournalFailed e) {
      return takeBack(s.because(failed("The decision could not be written: " + e.reason())));
    }
    if (event instanceof SessionLost e) {
      return Step.to(
          new Deciding(s.because(failed(e.reason())).instead(), s.returned(), Peer.UNKNOWN));
    }
    if (event instanceof PeerDestroyed) {
      Failure failure = failed("The destination gave its copy up.");
      return Step.to(new Deciding(s.because(failure).instead(), s.returned(), Peer.DESTROYED));
    }
    if (event instanceof LibvirtReturned e && !e.succeeded()) {
      // The daemon on either side cut the connection: nobody is there to take the reply.
      return Step.to(new Deciding(s.because(failed(e.message())).instead(), true, s.peer()));
    }
    if (event instanceof PeerFailed e) {
      return Step.to(s.because(failed(e.message())));
    }
    if (event instanceof Cancelled) {
      return Step.to(s.because(cancelled()));
    }
    throw new IllegalEventException(this, event);
  }

  /** The destination hears of it once it can't be COMMITTED any more on disk. */
  private static Step<Source, SourceAction> takeBack(Deciding s) {
    return Step.to(
        new Aborting(s.instead().orElseThrow(), s.returned(), s.peer(), false), WRITE_ABORT);
  }

  private Step<Source, SourceAction> given(Given s, SourceEvent event) {
    if (event instanceof PeerTaken && !s.taken() && !s.returned()) {
      return Step.to(new Given(true, false, s.gone(), false), PASS_FINISH);
    }
    if (event instanceof PeerTaken) {
      return settleGiven(new Given(true, s.returned(), s.gone(), false));
    }
    if (event instanceof LibvirtReturned) {
      return settleGiven(new Given(s.taken(), true, s.gone(), s.destroyed()));
    }
    if (event instanceof DomainGone) {
      return settleGiven(new Given(s.taken(), s.returned(), true, s.destroyed()));
    }
    if (event instanceof PeerDestroyed && !s.taken()) {
      return settleGiven(new Given(false, s.returned(), s.gone(), true));
    }
    if (event instanceof SessionLost) {
      return s.taken() || s.destroyed() ? Step.to(this) : Step.to(this, SETTLE_COMMIT);
    }
    if (event instanceof PeerFailed || event instanceof Cancelled) {
      return Step.to(this); // too late
    }
    throw new IllegalEventException(this, event);
  }

  private static Step<Source, SourceAction> settleGiven(Given s) {
    if (s.taken() && s.gone()) {
      return Step.to(new Moved(), FORGET_INSTANCE);
    }
    if (s.destroyed() && s.gone()) {
      return Step.to(new Lost(), FORGET_JOURNAL);
    }
    if (s.taken() && s.returned()) {
      return Step.to(s, DESTROY_DOMAIN); // libvirt says success even where it could not
    }
    if (s.destroyed()) {
      Failure failure = failed("The destination lost its copy before it ran.");
      return Step.to(new Aborting(failure, s.returned(), Peer.DESTROYED, false), WRITE_ABORT);
    }
    return Step.to(s);
  }

  private Step<Source, SourceAction> aborting(Aborting s, SourceEvent event) {
    if (event instanceof JournalWritten && !s.clean()) {
      Aborting next = new Aborting(s.failure(), s.returned(), s.peer(), true);
      return s.peer() == Peer.ASKED ? Step.to(next, SEND_ABORT) : endAbort(next, true);
    }
    if (event instanceof JournalFailed && !s.clean()) {
      return Step.to(s, WRITE_ABORT); // the source stays paused until this is on disk
    }
    if (event instanceof LibvirtReturned) {
      return endAbort(new Aborting(s.failure(), true, s.peer(), s.clean()), false);
    }
    if (event instanceof PeerDestroyed && s.peer() != Peer.DESTROYED) {
      return endAbort(
          new Aborting(s.failure(), s.returned(), Peer.DESTROYED, s.clean()), s.clean());
    }
    if (event instanceof SessionLost && s.peer() == Peer.ASKED) {
      return endAbort(new Aborting(s.failure(), s.returned(), Peer.UNKNOWN, s.clean()), s.clean());
    }
    if (event instanceof PeerTaken) {
      throw new IllegalEventException(this, event);
    }
    // What was under way when it was decided: READY, a held reply, PREPARED, a second reason.
    return Step.to(s);
  }

  private static Step<Source, SourceAction> endAbort(Aborting s, boolean drop) {
    List<SourceAction> actions = new ArrayList<>();
    if (drop && !s.returned()) {
      actions.add(DROP_FINISH);
    }
    if (!s.returned() || s.peer() == Peer.ASKED || !s.clean()) {
      return new Step<>(s, actions);
    }
    actions.add(RESUME_DOMAIN);
    if (s.peer() == Peer.DESTROYED) {
      actions.add(FORGET_JOURNAL);
    } else {
      actions.add(WRITE_ABORT);
      actions.add(SETTLE_ABORT);
    }
    return new Step<>(new Kept(s.failure()), actions);
  }

  private static Failure failed(String message) {
    return new Failure(ErrorKind.HANDOFF_FAILED, message);
  }

  private static Failure cancelled() {
    return new Failure(ErrorKind.CANCELLED, "The handoff was cancelled.");
  }
}
