package org.nephele.core.handoff;

/** What the source's driver is to do. */
public enum SourceAction {
  /** Send PREPARE. */
  SEND_PREPARE,
  /** Open the sockets, call libvirt's migrate on a thread; it reports LibvirtReturned. */
  START_MIGRATION,
  /** Write COMMITTED to the journal; report JournalWritten or JournalFailed. */
  WRITE_COMMIT,
  /** Send COMMIT; a failure is reported as SessionLost anyway. */
  SEND_COMMIT,
  /** Let libvirt have the reply to Finish: it kills the source. */
  PASS_FINISH,
  /** Ask libvirt to stop migrating. */
  ABORT_MIGRATION,
  /**
   * Close what libvirt and QEMU talk through, the held reply with it: libvirt lets the source go
   * on.
   */
  DROP_FINISH,
  /** Send ABORT. */
  SEND_ABORT,
  /** Write ABORTED to the journal; report JournalWritten or JournalFailed. */
  WRITE_ABORT,
  /** See that the source's domain runs, unless it was frozen before. */
  RESUME_DOMAIN,
  /** Destroy the source's domain unless libvirt has; report DomainGone. */
  DESTROY_DOMAIN,
  /**
   * Keep telling the destination COMMIT over new connections; report PeerTaken or PeerDestroyed.
   */
  SETTLE_COMMIT,
  /** Keep telling the destination ABORT over new connections, also after this handoff has ended. */
  SETTLE_ABORT,
  /** Delete the instance's files, name and ports here, then the journal. */
  FORGET_INSTANCE,
  /** Delete the journal. */
  FORGET_JOURNAL
}
