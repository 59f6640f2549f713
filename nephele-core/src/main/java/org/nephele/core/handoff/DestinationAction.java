package org.nephele.core.handoff;

/** What the destination's driver is to do. */
public enum DestinationAction {
  /** Send PREPARED. */
  SEND_PREPARED,
  /** Look at the copy, add its forwards; report Verified or Broken. */
  VERIFY,
  /** Write READY to the journal; report JournalWritten or JournalFailed. */
  WRITE_READY,
  /** Send READY. */
  SEND_READY,
  /** Let the source's libvirt have the reply to Finish. */
  PASS_FINISH,
  /** Never let it have it. */
  DROP_FINISH,
  /** Let its CPUs run; report Resumed, also when they would not, or CopyGone. */
  RESUME,
  /** Send RUNNING. */
  SEND_RUNNING,
  /** Write TAKEN to the journal; report JournalWritten or JournalFailed. */
  WRITE_TAKEN,
  /** Make it an instance of this node, and set its clock. */
  ADOPT,
  /** Send TAKEN. */
  SEND_TAKEN,
  /** Destroy the domain, delete folder, sockets, journal; report Removed or RemoveFailed. */
  REMOVE,
  /** Send FAILED with the reason. */
  SEND_FAILED,
  /** Send DESTROYED. */
  SEND_DESTROYED
}
