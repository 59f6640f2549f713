package org.nephele.server.libvirt;

import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.Settings;

/**
 * The node's libvirt. Thread-safe. Opened once; when libvirtd was restarted the next call connects
 * again, and listeners go on hearing.
 */
public final class Hypervisor implements AutoCloseable {

  /**
   * Does not wait for libvirt: the first call connects.
   *
   * @throws NepheleException when libvirt's library is not installed
   */
  public static Hypervisor open(Settings settings) throws NepheleException {
    throw new UnsupportedOperationException();
  }

  public Settings settings() {
    throw new UnsupportedOperationException();
  }

  /** The domains that carry our mark, running or paused, in no order. */
  public List<Vm> list() throws NepheleException {
    throw new UnsupportedOperationException();
  }

  /** The domain with that UUID if it is there and carries our mark. */
  public Optional<Vm> find(UUID uuid) throws NepheleException {
    throw new UnsupportedOperationException();
  }

  /**
   * Starts a transient domain.
   *
   * @param paused its CPUs don't run until {@link Vm#resume}
   * @throws NepheleException with libvirt's message when it can't be started; nothing is left then
   */
  public Vm start(DomainXml xml, boolean paused) throws NepheleException {
    throw new UnsupportedOperationException();
  }

  /**
   * Calls the listener for every event from now on, one at a time, in order, in a thread of its
   * own; it may call libvirt.
   *
   * @return closes the listener
   */
  public AutoCloseable listen(Consumer<VmEvent> listener) {
    throw new UnsupportedOperationException();
  }

  /** Versions, machine types and what the accelerator can do, asked of libvirt each time. */
  public Capabilities capabilities() throws NepheleException {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {
    throw new UnsupportedOperationException();
  }
}
