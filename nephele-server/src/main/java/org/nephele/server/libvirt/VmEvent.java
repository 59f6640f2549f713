package org.nephele.server.libvirt;

import java.util.UUID;

/** Something that happened to one of our VMs, whoever caused it. */
public sealed interface VmEvent {

  record Started(UUID uuid) implements VmEvent {}

  record Suspended(UUID uuid, VmState.Reason reason) implements VmEvent {}

  record Resumed(UUID uuid) implements VmEvent {}

  record Stopped(UUID uuid, StopReason reason) implements VmEvent {}

  /**
   * libvirtd was restarted and events may have been missed: look at every VM again. Also sent when
   * the connection is first made after a failure.
   */
  record Reconnected() implements VmEvent {}

  /** How a VM ended. */
  enum StopReason {
    /** The guest powered itself off. */
    SHUTDOWN,
    /** {@code virsh destroy}, force off, or this agent. */
    DESTROYED,
    CRASHED,
    /** It runs elsewhere now. */
    MIGRATED,
    SAVED,
    /** QEMU died or could not be started. */
    FAILED,
    UNKNOWN
  }
}
