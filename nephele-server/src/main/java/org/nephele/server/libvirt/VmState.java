package org.nephele.server.libvirt;

/**
 * What libvirt says a domain does, and why.
 *
 * @param reason {@link Reason#UNKNOWN} where libvirt gives none or one that is of no use here
 */
public record VmState(Run run, Reason reason) {
  /** There is no such domain. */
  static final VmState GONE = new VmState(Run.OFF, Reason.UNKNOWN);

  /** The domain's state. */
  public enum Run {
    RUNNING,
    PAUSED,
    /** The guest was told to shut down and has not finished. */
    SHUTTING_DOWN,
    /** Not there any more. */
    OFF,
    CRASHED,
    /** The guest put itself to sleep. */
    ASLEEP,
    UNKNOWN
  }

  /** Why a domain is paused; the order is that of libvirt's virDomainPausedReason. */
  public enum Reason {
    UNKNOWN,
    /**
     * Somebody paused it: virt-manager, virsh, this agent. A VM that arrived by a handoff and was
     * left paused shows the same.
     */
    USER,
    /** libvirt is in the last phase of a migration. */
    MIGRATION,
    /** {@code virsh save}. */
    SAVE,
    DUMP,
    /** A disk is full or broken. */
    IOERROR,
    WATCHDOG,
    FROM_SNAPSHOT,
    SHUTTING_DOWN,
    SNAPSHOT,
    CRASHED,
    STARTING_UP,
    POSTCOPY,
    POSTCOPY_FAILED,
    API_ERROR
  }

  /** From the numbers of virDomainState and, when paused, virDomainPausedReason. */
  static VmState of(int state, int reason) {
    Run run =
        switch (state) {
          case 1, 2 -> Run.RUNNING; // running, or blocked on a resource
          case 3 -> Run.PAUSED;
          case 4 -> Run.SHUTTING_DOWN;
          case 5 -> Run.OFF;
          case 6 -> Run.CRASHED;
          case 7 -> Run.ASLEEP;
          default -> Run.UNKNOWN;
        };
    Reason[] reasons = Reason.values();
    boolean known = run == Run.PAUSED && reason >= 0 && reason < reasons.length;
    return new VmState(run, known ? reasons[reason] : Reason.UNKNOWN);
  }

  /** Paused the way a person's pause looks. Act on it only when no operation holds the VM. */
  public boolean pausedByUser() {
    return run == Run.PAUSED && reason == Reason.USER;
  }

  /** There is a QEMU process. */
  public boolean alive() {
    return run != Run.OFF && run != Run.CRASHED;
  }
}
