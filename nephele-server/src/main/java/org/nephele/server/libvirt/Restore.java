package org.nephele.server.libvirt;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.UUID;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Starts a VM from captured state: the domain is created paused and waiting, gets the stream
 * through a unix socket, and is handed over paused. Used once; {@link #cancel} may come from any
 * thread.
 */
public final class Restore {
  private static final Logger LOG = LoggerFactory.getLogger(Restore.class);

  /** QEMU reads what is in the socket and its own buffers; device state takes milliseconds. */
  private static final long SETTLE_MS = 30_000;

  private static final int LOG_TAIL = 600;

  private final Hypervisor hypervisor;
  private final DomainXml xml;
  private final Object lock = new Object();

  /** Guarded by lock. */
  private boolean cancelled;

  /** Guarded by lock; null when there is none to close. */
  private SocketChannel stream;

  /** Writes the whole stream. What it throws ends the restore. */
  @FunctionalInterface
  public interface StreamWriter {
    void write(SocketChannel stream) throws IOException, NepheleException;
  }

  /**
   * @param xml from {@link DomainXml#forInstance}; the devices must be those of the captured VM
   */
  public Restore(Hypervisor hypervisor, DomainXml xml) {
    this.hypervisor = hypervisor;
    this.xml = xml;
  }

  /**
   * Blocks until the state is in.
   *
   * @return the VM, paused, ready for {@link Vm#resume}
   * @throws NepheleException when QEMU or the writer failed or after {@link #cancel}; the domain is
   *     destroyed then
   */
  public Vm run(StreamWriter writer) throws NepheleException {
    Vm vm = hypervisor.start(xml, true);
    boolean done = false;
    try {
      feed(vm, writer);
      settle(vm);
      done = true;
      return vm;
    } catch (IOException e) {
      throw failed(vm, "its state could not be written to QEMU: " + e.getMessage(), e);
    } finally {
      if (!done) {
        destroy(vm);
      }
    }
  }

  private void feed(Vm vm, StreamWriter writer) throws IOException, NepheleException {
    // QEMU itself makes this socket, in a folder of its own user's.
    Path socket =
        vm.domainFolder().resolve("nephele-" + UUID.randomUUID().toString().substring(0, 8));
    try {
      vm.qmp("migrate-incoming", Vm.arguments().put("uri", "unix:" + socket));
      try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
        synchronized (lock) {
          stream = channel;
          throwIfCancelled();
        }
        writer.write(channel);
      }
    } finally {
      Capture.deleteQuietly(socket);
    }
  }

  private void settle(Vm vm) throws NepheleException {
    long deadline = System.nanoTime() + SETTLE_MS * 1_000_000;
    for (long wait = 1; ; wait = Math.min(2 * wait, 50)) {
      synchronized (lock) {
        throwIfCancelled();
      }
      JsonNode migration;
      try {
        migration = vm.qmp("query-migrate", null);
      } catch (NepheleException e) {
        // QEMU exits when it can't take the state.
        throw failed(vm, "QEMU gave up: " + e.getMessage(), e);
      }
      String status = migration.path("status").asText();
      if (status.equals("completed")) {
        break;
      }
      if (status.equals("failed") || System.nanoTime() > deadline) {
        throw failed(
            vm,
            "QEMU has not taken its state ("
                + status
                + ") "
                + migration.path("error-desc").asText(),
            null);
      }
      Hypervisor.pause(wait);
    }
    String status = vm.qmp("query-status", null).path("status").asText();
    if (!status.equals("paused")) {
      throw failed(vm, "QEMU took the state and is now '" + status + "' instead of paused", null);
    }
  }

  private NepheleException failed(Vm vm, String reason, Exception cause) throws NepheleException {
    synchronized (lock) {
      throwIfCancelled();
    }
    String tail = vm.logTail(LOG_TAIL);
    return new NepheleException(
        ErrorKind.FAILED,
        "The VM '"
            + xml.title()
            + "' can't be restored: "
            + reason
            + (tail.isEmpty() ? "" : "\nThe end of QEMU's log:\n" + tail),
        cause);
  }

  private void throwIfCancelled() throws NepheleException {
    if (cancelled) {
      throw new NepheleException(
          ErrorKind.CANCELLED, "Starting the VM '" + xml.title() + "' was cancelled.");
    }
  }

  /** Gives up: {@link #run} throws and the domain is destroyed. */
  public void cancel() {
    SocketChannel open;
    synchronized (lock) {
      cancelled = true;
      open = stream;
    }
    if (open != null) {
      try {
        open.close();
      } catch (IOException e) {
        LOG.debug("closing the stream of '{}'", xml.title(), e);
      }
    }
  }

  private static void destroy(Vm vm) {
    try {
      vm.destroy();
    } catch (NepheleException e) {
      LOG.warn("after a failed restore: {}", e.getMessage());
    }
  }
}
