package org.nephele.server.libvirt;

import java.io.IOException;
import java.nio.channels.SocketChannel;
import org.nephele.core.protocol.NepheleException;

/**
 * Takes the memory and device state out of a paused VM, as QEMU's migration stream, without writing
 * a file. Afterwards the VM is still there and paused, and may be resumed or destroyed. Used once;
 * {@link #cancel} may come from any thread.
 */
public final class Capture {

  /** Reads the stream to its end of file. What it throws ends the capture. */
  @FunctionalInterface
  public interface StreamReader {
    void read(SocketChannel stream) throws IOException, NepheleException;
  }

  public Capture(Vm vm) {
    throw new UnsupportedOperationException();
  }

  /**
   * Blocks until the state is out and QEMU says that all went well.
   *
   * @throws NepheleException {@code REFUSED} when the VM is not paused by a user, or was resumed by
   *     somebody meanwhile; {@code CANCELLED} after {@link #cancel}. The VM is left paused unless
   *     somebody else resumed it.
   */
  public void run(StreamReader reader) throws NepheleException {
    throw new UnsupportedOperationException();
  }

  /**
   * That nobody has let the VM run since: call it again when the disk was copied too, for nothing
   * holds the VM meanwhile.
   */
  public void verify() throws NepheleException {
    throw new UnsupportedOperationException();
  }

  /** Gives up: QEMU stops sending, {@link #run} throws, the VM stays paused. */
  public void cancel() {
    throw new UnsupportedOperationException();
  }
}
