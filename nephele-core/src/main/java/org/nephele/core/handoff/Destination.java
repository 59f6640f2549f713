package org.nephele.core.handoff;

import static org.nephele.core.handoff.DestinationAction.*;

import org.nephele.core.handoff.DestinationEvent.*;

/**
 * The destination's side of a handoff: a state, and what an event makes of it. Pure and immutable.
 * The package's description has the picture and the rules.
 */
public sealed interface Destination {

  /** The plan was accepted; its place is being made. */
  record Preparing() implements Destination {}

  /** There is a place; libvirt may fill it. */
  record Prepared() implements Destination {}

  /**
   * The copy is complete, and is being looked at.
   *
   * @param good it was, and READY is being written
   */
  record Verifying(boolean good) implements Destination {}

  /**
   * Waits for the source's word, however long.
   *
   * @param found an earlier agent left it so, and may have heard COMMIT before it ended
   */
  record Ready(boolean found) implements Destination {}

  /**
   * The instance is this node's, by the source's word.
   *
   * @param resumed its CPUs were told to run, and TAKEN is being written
   * @param found as in {@link Ready}
   */
  record Taking(boolean resumed, boolean found) implements Destination {}

  /** An instance of this node. */
  record Taken() implements Destination {}

  /** It won't come; what is here is being removed. */
  record Removing() implements Destination {}

  /** Nothing is here, and nothing ever ran. */
  record Gone() implements Destination {}

  default boolean ended() {
    return this instanceof Taken || this instanceof Gone;
  }

  /** After a restart, from what the journal says. The connection is gone. */
  static Step<Destination, DestinationAction> recover(Journal.DestinationPhase phase) {
    return switch (phase) {
      case PREPARED -> Step.to(new Removing(), REMOVE);
      case READY -> Step.to(new Ready(true));
      case TAKEN -> Step.to(new Taken(), ADOPT);
    };
  }

  /**
   * @throws IllegalEventException when that can't happen now
   */
  default Step<Destination, DestinationAction> on(DestinationEvent event) {
    if (this instanceof Preparing) {
      if (event instanceof Made) {
        return Step.to(new Prepared(), SEND_PREPARED);
      }
      return giveUp(event);
    }
    if (this instanceof Prepared) {
      if (event instanceof Finished) {
        return Step.to(new Verifying(false), VERIFY);
      }
      return giveUp(event);
    }
    if (this instanceof Verifying s) {
      return verifying(s, event);
    }
    if (this instanceof Ready s) {
      return ready(s, event);
    }
    if (this instanceof Taking s) {
      return taking(s, event);
    }
    if (this instanceof Taken) {
      return taken(event);
    }
    if (this instanceof Removing) {
      return removing(event);
    }
    if (this instanceof Gone) {
      return gone(event);
    }
    throw new IllegalEventException(this, event);
  }

  /** What ends a handoff before READY, from either side. */
  private Step<Destination, DestinationAction> giveUp(DestinationEvent event) {
    if (event instanceof Broken || event instanceof JournalFailed) {
      return Step.to(new Removing(), SEND_FAILED, DROP_FINISH, REMOVE);
    }
    if (event instanceof Abort || event instanceof SessionLost) {
      return Step.to(new Removing(), DROP_FINISH, REMOVE);
    }
    throw new IllegalEventException(this, event);
  }

  private Step<Destination, DestinationAction> verifying(Verifying s, DestinationEvent event) {
    if (event instanceof Verified && !s.good()) {
      return Step.to(new Verifying(true), WRITE_READY);
    }
    if (event instanceof JournalWritten && s.good()) {
      return Step.to(new Ready(false), SEND_READY, PASS_FINISH);
    }
    // READY may be on disk when we give up here. The source has not heard it, so it won't commit;
    // after a crash the copy would wait, paused, for the ABORT that the source sends then.
    return giveUp(event);
  }

  private Step<Destination, DestinationAction> ready(Ready s, DestinationEvent event) {
    if (event instanceof Commit) {
      return Step.to(new Taking(false, s.found()), RESUME);
    }
    if (event instanceof Abort) {
      return Step.to(new Removing(), DROP_FINISH, REMOVE);
    }
    if (event instanceof SessionLost) {
      return Step.to(this); // the source will come back
    }
    throw new IllegalEventException(this, event);
  }

  private Step<Destination, DestinationAction> taking(Taking s, DestinationEvent event) {
    if (event instanceof Resumed && !s.resumed()) {
      return Step.to(new Taking(true, s.found()), SEND_RUNNING, WRITE_TAKEN);
    }
    if (event instanceof CopyGone && !s.resumed()) {
      // Who knows that it never ran gives it back. Who does not lets people decide.
      return s.found()
          ? Step.to(new Ready(true), SEND_FAILED)
          : Step.to(new Removing(), DROP_FINISH, REMOVE);
    }
    if (event instanceof JournalWritten && s.resumed()) {
      return Step.to(new Taken(), ADOPT, SEND_TAKEN);
    }
    if (event instanceof JournalFailed && s.resumed()) {
      return Step.to(s, WRITE_TAKEN); // the source keeps asking until this is on disk
    }
    if (event instanceof SessionLost || event instanceof Commit) {
      return Step.to(s); // said again over a new connection; answered when it is done
    }
    throw new IllegalEventException(this, event);
  }

  private Step<Destination, DestinationAction> taken(DestinationEvent event) {
    if (event instanceof Commit) {
      return Step.to(this, SEND_TAKEN);
    }
    if (event instanceof SessionLost) {
      return Step.to(this);
    }
    throw new IllegalEventException(this, event);
  }

  private Step<Destination, DestinationAction> removing(DestinationEvent event) {
    if (event instanceof Removed) {
      return Step.to(new Gone(), SEND_DESTROYED);
    }
    if (event instanceof RemoveFailed) {
      return Step.to(this, REMOVE);
    }
    if (event instanceof Commit) {
      throw new IllegalEventException(this, event);
    }
    return Step.to(this); // what was under way when it was given up
  }

  private Step<Destination, DestinationAction> gone(DestinationEvent event) {
    if (event instanceof Abort || event instanceof Commit) {
      return Step.to(this, SEND_DESTROYED);
    }
    return Step.to(this);
  }
}
