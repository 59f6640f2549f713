package org.nephele.core.handoff;

/** What can happen to a handoff at the source. */
public sealed interface SourceEvent {
  /** The journal says STARTED, and the connection stands. */
  record Started() implements SourceEvent {}

  /** The destination has a place for it. */
  record Prepared() implements SourceEvent {}

  /** The destination does not want it, and has done nothing. */
  record Refused(Failure failure) implements SourceEvent {}

  /**
   * The destination holds a complete paused copy, durably; what it received is what was sent. (If
   * not, the driver makes it a {@link PeerFailed}.)
   */
  record PeerReady() implements SourceEvent {}

  /** libvirt's good reply to Finish is here, and held. */
  record FinishHeld() implements SourceEvent {}

  /** What was to be written to the journal last is on disk. */
  record JournalWritten() implements SourceEvent {}

  /** What was to be written last may be on disk or not. */
  record JournalFailed(String reason) implements SourceEvent {}

  /** The migrate call has come back. */
  record LibvirtReturned(boolean succeeded, String message) implements SourceEvent {}

  /** The destination can't go on; it will say {@link PeerDestroyed}. */
  record PeerFailed(String message) implements SourceEvent {}

  /** The destination has no copy, and never ran one. */
  record PeerDestroyed() implements SourceEvent {}

  /** The destination's copy is an instance there, durably. */
  record PeerTaken() implements SourceEvent {}

  /** The connection is gone, and with it all streams. */
  record SessionLost(String reason) implements SourceEvent {}

  /** The source's domain was destroyed by us, or is found gone. */
  record DomainGone() implements SourceEvent {}

  /** Somebody wants it to stop. */
  record Cancelled() implements SourceEvent {}
}
