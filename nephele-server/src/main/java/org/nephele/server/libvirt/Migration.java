package org.nephele.server.libvirt;

import java.util.Objects;
import java.util.Optional;
import org.nephele.core.protocol.NepheleException;

/**
 * libvirt's live migration of one VM, with its disk, to another libvirtd, managed from here: this
 * thread talks to both. The VM is left paused at the destination, for its owner to resume, and is
 * gone here when it succeeded. Used once. {@link #run} blocks; the rest may come from other
 * threads.
 */
public final class Migration {

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
    throw new UnsupportedOperationException();
  }

  /**
   * Blocks until libvirt has finished both ends, or given up.
   *
   * @throws NepheleException {@code HANDOFF_FAILED} with libvirt's message; {@code CANCELLED} after
   *     {@link #abort}. Who may run the VM then is not for libvirt to say: ask both ends.
   */
  public void run() throws NepheleException {
    throw new UnsupportedOperationException();
  }

  /** Empty before libvirt's job has begun and after it ended. */
  public Optional<JobStats> stats() throws NepheleException {
    throw new UnsupportedOperationException();
  }

  /**
   * How long QEMU may stop the VM for what is left, ms, at least 1. Fails before the job has begun.
   */
  public void setMaxDowntime(long ms) throws NepheleException {
    throw new UnsupportedOperationException();
  }

  /** Gives up; {@link #run} throws. Too late in the last phase: then it does not fail, nor help. */
  public void abort() throws NepheleException {
    throw new UnsupportedOperationException();
  }
}
