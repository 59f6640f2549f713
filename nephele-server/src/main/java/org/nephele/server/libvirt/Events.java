package org.nephele.server.libvirt;

import java.util.UUID;
import java.util.function.Consumer;
import org.libvirt.Domain;
import org.libvirt.LibvirtException;
import org.libvirt.event.DomainEvent;
import org.libvirt.event.LifecycleListener;
import org.libvirt.event.StoppedDetail;
import org.libvirt.event.SuspendedDetail;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns libvirt's lifecycle events of our domains into ours. It is called in the event loop, where
 * another call to libvirtd would block everything: our domains are told by their names here, which
 * need no call.
 */
final class Events implements LifecycleListener {
  private static final Logger LOG = LoggerFactory.getLogger(Events.class);

  private final Consumer<VmEvent> sink;

  Events(Consumer<VmEvent> sink) {
    this.sink = sink;
  }

  @Override
  public int onLifecycleChange(Domain domain, DomainEvent event) {
    try {
      if (domain.getName().startsWith(DomainXml.NAME_PREFIX)) {
        translate(UUID.fromString(domain.getUUIDString()), event);
      }
    } catch (LibvirtException | RuntimeException e) {
      // Thrown on, it would end in native code.
      LOG.error("an event of libvirt was lost", e);
    }
    return 0; // libvirt ignores it
  }

  private void translate(UUID uuid, DomainEvent event) {
    switch (event.getType()) {
      case STARTED -> sink.accept(new VmEvent.Started(uuid));
      case SUSPENDED -> sink.accept(new VmEvent.Suspended(uuid, suspended(event)));
      case RESUMED -> sink.accept(new VmEvent.Resumed(uuid));
      case STOPPED -> sink.accept(new VmEvent.Stopped(uuid, stopped(event)));
      default -> {
        // defined, undefined, shutdown begun, asleep: nothing that anybody here waits for
      }
    }
  }

  private static VmState.Reason suspended(DomainEvent event) {
    if (event.getDetail() instanceof SuspendedDetail detail) {
      return switch (detail) {
        case PAUSED -> VmState.Reason.USER;
        case MIGRATED -> VmState.Reason.MIGRATION;
        case IOERROR -> VmState.Reason.IOERROR;
        case WATCHDOG -> VmState.Reason.WATCHDOG;
        case RESTORED -> VmState.Reason.SAVE;
        case FROM_SNAPSHOT -> VmState.Reason.FROM_SNAPSHOT;
        case API_ERROR -> VmState.Reason.API_ERROR;
        case UNKNOWN -> VmState.Reason.UNKNOWN;
      };
    }
    return VmState.Reason.UNKNOWN;
  }

  private static VmEvent.StopReason stopped(DomainEvent event) {
    if (event.getDetail() instanceof StoppedDetail detail) {
      return switch (detail) {
        case SHUTDOWN -> VmEvent.StopReason.SHUTDOWN;
        case DESTROYED -> VmEvent.StopReason.DESTROYED;
        case CRASHED -> VmEvent.StopReason.CRASHED;
        case MIGRATED -> VmEvent.StopReason.MIGRATED;
        case SAVED -> VmEvent.StopReason.SAVED;
        case FAILED -> VmEvent.StopReason.FAILED;
        case FROM_SNAPSHOT, UNKNOWN -> VmEvent.StopReason.UNKNOWN;
      };
    }
    return VmEvent.StopReason.UNKNOWN;
  }
}
