package org.nephele.server.libvirt;

import java.io.IOException;
import java.nio.channels.SocketChannel;
import org.nephele.core.protocol.NepheleException;

/**
 * Starts a VM from captured state: the domain is created paused and waiting, gets the stream
 * through a unix socket, and is handed over paused. Used once; {@link #cancel} may come from any
 * thread.
 */
public final class Restore {

  /** Writes the whole stream. What it throws ends the restore. */
  @FunctionalInterface
  public interface StreamWriter {
    void write(SocketChannel stream) throws IOException, NepheleException;
  }

  /**
   * @param xml from {@link DomainXml#forInstance}; the devices must be those of the captured VM
   */
  public Restore(Hypervisor hypervisor, DomainXml xml) {
    throw new UnsupportedOperationException();
  }

  /**
   * Blocks until the state is in.
   *
   * @return the VM, paused, ready for {@link Vm#resume}
   * @throws NepheleException when QEMU or the writer failed or after {@link #cancel}; the domain is
   *     destroyed then
   */
  public Vm run(StreamWriter writer) throws NepheleException {
    throw new UnsupportedOperationException();
  }

  /** Gives up: {@link #run} throws and the domain is destroyed. */
  public void cancel() {
    throw new UnsupportedOperationException();
  }
}
