package org.nephele.core.handoff;

/** What can happen to a handoff at the destination. */
public sealed interface DestinationEvent {
  /** Folder and overlay are there, and the journal says PREPARED. */
  record Made() implements DestinationEvent {}

  /** libvirtd's good reply to Finish is here, and held. */
  record Finished() implements DestinationEvent {}

  /** The copy is complete, paused, and has its forwards. */
  record Verified() implements DestinationEvent {}

  /** Making, moving or verifying failed. */
  record Broken(String message) implements DestinationEvent {}

  record JournalWritten() implements DestinationEvent {}

  record JournalFailed(String reason) implements DestinationEvent {}

  /** The source's word. */
  record Commit() implements DestinationEvent {}

  /** The source's word. */
  record Abort(String reason) implements DestinationEvent {}

  /** The connection over which the source was heard is gone. */
  record SessionLost(String reason) implements DestinationEvent {}

  /**
   * Its CPUs run, or stay frozen as they shall; or they would not, which changes nobody's rights.
   */
  record Resumed() implements DestinationEvent {}

  /** There is no domain to resume: it was destroyed, or died, while it waited. */
  record CopyGone() implements DestinationEvent {}

  /** The copy and its place are gone, and so is the journal. */
  record Removed() implements DestinationEvent {}

  /** The copy could not be destroyed. */
  record RemoveFailed(String reason) implements DestinationEvent {}
}
