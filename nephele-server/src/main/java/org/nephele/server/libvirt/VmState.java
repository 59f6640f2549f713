package org.nephele.server.libvirt;

/**
 * What libvirt says a domain does, and why.
 *
 * @param reason {@link Reason#UNKNOWN} where libvirt gives none or one that is of no use here
 */
public record VmState(Run run, Reason reason) {

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

  /** Why a domain is paused. */
  public enum Reason {
    /**
     * Somebody paused it: virt-manager, virsh, this agent. A VM that arrived by a handoff and was
     * left paused shows the same.
     */
    USER,
    /** libvirt is in the last phase of a migration. */
    MIGRATION,
    /** A disk is full or broken. */
    IOERROR,
    /** virsh save or dump. */
    SAVE,
    DUMP,
    SNAPSHOT,
    WATCHDOG,
    SHUTTING_DOWN,
    CRASHED,
    STARTING_UP,
    POSTCOPY,
    POSTCOPY_FAILED,
    UNKNOWN
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
