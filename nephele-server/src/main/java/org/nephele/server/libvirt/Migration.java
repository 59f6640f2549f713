package org.nephele.server.libvirt;

import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.libvirt.Domain;
import org.libvirt.DomainJobStats;
import org.libvirt.Error.ErrorNumber;
import org.libvirt.LibvirtException;
import org.libvirt.TypedParameter;
import org.libvirt.TypedStringParameter;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;

/**
 * libvirt's live migration of one VM, with its disk, to another libvirtd, managed from here: this
 * thread talks to both. The VM is left paused at the destination, for its owner to resume, and is
 * gone here when it succeeded. Used once. {@link #run} blocks; the rest may come from other
 * threads.
 */
public final class Migration {
  /** virDomainMigrateFlags. */
  private static final int LIVE = 1;

  private static final int PAUSED = 1 << 5;
  private static final int NON_SHARED_INC = 1 << 7;

  /** A full disk at the source ends the migration instead of moving a broken VM. */
  private static final int ABORT_ON_ERROR = 1 << 12;

  private static final int SYNCHRONOUS_WRITES = 1 << 18;

  /** What a handoff asks for: all of these, nothing else. */
  private static final int FLAGS =
      LIVE | PAUSED | NON_SHARED_INC | ABORT_ON_ERROR | SYNCHRONOUS_WRITES;

  /** What of it libvirt's client tells the destination; the rest is between it and the source. */
  static final int DESTINATION_FLAGS = FLAGS & ~ABORT_ON_ERROR;

  private static final int JOB_NONE = 0;

  /** libvirt takes an abort only once its job has begun, and that takes a second or two. */
  private static final long ABORT_MS = 10_000;

  private final Vm vm;
  private final Target target;
  private volatile boolean aborted;
  private volatile boolean over;

  /**
   * Where to, and through what.
   *
   * @param libvirtUri of the destination, such as {@code qemu+unix:///system?socket=PATH}
   * @param migrateUri where QEMU sends memory, {@code unix:///PATH}; the same path at both ends
   * @param disksUri where QEMU mirrors the disk to (NBD), {@code unix:///PATH}; same path
   * @param destinationXml from {@link DomainXml#forDestination}
   * @param synchronousWrites the guest's writes wait until the destination has them, so that the
   *     disk converges whatever the guest does
   */
  public record Target(
      String libvirtUri,
      String migrateUri,
      String disksUri,
      DomainXml destinationXml,
      boolean synchronousWrites) {
    public Target {
      Objects.requireNonNull(libvirtUri);
      Objects.requireNonNull(migrateUri);
      Objects.requireNonNull(disksUri);
      Objects.requireNonNull(destinationXml);
    }
  }

  public Migration(Vm vm, Target target) {
    this.vm = vm;
    this.target = target;
  }

  /**
   * Blocks until libvirt has finished both ends, or given up.
   *
   * @throws NepheleException {@code HANDOFF_FAILED} with libvirt's message; {@code CANCELLED} after
   *     {@link #abort}. Who may run the VM then is not for libvirt to say: ask both ends.
   */
  public void run() throws NepheleException {
    try {
      runUntilOver();
    } finally {
      over = true;
    }
  }

  private void runUntilOver() throws NepheleException {
    Connection destination;
    try {
      destination = Connection.open(target.libvirtUri());
    } catch (LibvirtException e) {
      throw failed("the destination's libvirt can't be reached", e);
    }
    try {
      if (aborted) {
        throw cancelled(null);
      }
      vm.hypervisor()
          .call(
              vm.uuid(),
              "The VM " + vm + " can't be handed off",
              domain -> {
                migrate(domain, destination);
                return null;
              });
    } finally {
      try {
        destination.close();
      } catch (LibvirtException e) {
        // the other end went away first
      }
      Reference.reachabilityFence(destination);
    }
  }

  private void migrate(Domain domain, Connection destination) throws NepheleException {
    List<TypedParameter> parameters = new ArrayList<>();
    parameters.add(new TypedStringParameter("migrate_uri", target.migrateUri()));
    parameters.add(new TypedStringParameter("disks_uri", target.disksUri()));
    parameters.add(new TypedStringParameter("destination_xml", target.destinationXml().toString()));
    // No bandwidth: libvirt's default is QEMU's maximum for memory and none for disks.
    int flags = target.synchronousWrites() ? FLAGS : FLAGS & ~SYNCHRONOUS_WRITES;
    try {
      Domain arrived =
          domain.migrate(destination, parameters.toArray(TypedParameter[]::new), flags);
      arrived.free();
    } catch (LibvirtException e) {
      if (aborted) {
        throw cancelled(e);
      }
      throw failed("libvirt gave up", e);
    }
  }

  private NepheleException cancelled(LibvirtException e) {
    return new NepheleException(ErrorKind.CANCELLED, "The handoff of " + vm + " was cancelled.", e);
  }

  private NepheleException failed(String what, LibvirtException e) {
    return new NepheleException(
        ErrorKind.HANDOFF_FAILED,
        "The VM " + vm + " can't be handed off, " + what + ": " + Hypervisor.message(e),
        e);
  }

  /** Empty before libvirt's job has begun and after it ended. */
  public Optional<JobStats> stats() throws NepheleException {
    try {
      DomainJobStats stats =
          vm.hypervisor()
              .call(
                  vm.uuid(),
                  "The progress of " + vm + " can't be read",
                  domain -> domain.getJobStats(0));
      return stats.type == JOB_NONE ? Optional.empty() : Optional.of(JobStats.of(stats.stats));
    } catch (NepheleException e) {
      if (e.kind() == ErrorKind.NOT_FOUND) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /**
   * How long QEMU may stop the VM for what is left, ms, at least 1. Fails before the job has begun.
   */
  public void setMaxDowntime(long ms) throws NepheleException {
    vm.hypervisor()
        .call(
            vm.uuid(),
            "The downtime of " + vm + " can't be set",
            domain -> domain.migrateSetMaxDowntime(ms));
  }

  /**
   * Gives up; {@link #run} throws soon. May come before {@link #run}. Too late in the last phase:
   * then it returns when that is over, without an effect.
   */
  public void abort() throws NepheleException {
    aborted = true;
    long deadline = System.nanoTime() + ABORT_MS * 1_000_000;
    while (!over && !abortJob() && System.nanoTime() < deadline) {
      Hypervisor.pause(50);
    }
  }

  /** Whether there was a job that could be ended. */
  private boolean abortJob() throws NepheleException {
    try {
      return vm.hypervisor()
          .call(
              vm.uuid(),
              "The handoff of " + vm + " can't be stopped",
              domain -> {
                try {
                  domain.abortJob();
                  return true;
                } catch (LibvirtException e) {
                  if (e.getError().getCode() == ErrorNumber.VIR_ERR_OPERATION_INVALID) {
                    return false; // no job yet, or past the point of return
                  }
                  throw e;
                }
              });
    } catch (NepheleException e) {
      if (e.kind() == ErrorKind.NOT_FOUND) {
        return false; // it has arrived there
      }
      throw e;
    }
  }
}
