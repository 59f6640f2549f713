package org.nephele.server.libvirt;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributeView;
import java.util.UUID;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes the memory and device state out of a paused VM, as QEMU's migration stream, without writing
 * a file. Afterwards the VM is still there and paused, and may be resumed or destroyed. Used once;
 * {@link #cancel} may come from any thread.
 *
 * <p>To be captured again the VM must have run in between: QEMU refuses a second one.
 *
 * <p>libvirt knows nothing of it and holds no job, so somebody may resume the VM meanwhile; QEMU's
 * state tells: {@code postmigrate} is left by anything that lets the VM run.
 */
public final class Capture {
  private static final Logger LOG = LoggerFactory.getLogger(Capture.class);

  /** As fast as it goes, bytes per second; QEMU's default is 128 MiB/s. */
  private static final long UNLIMITED = 1L << 40;

  /** After the stream's end QEMU has only to say so. */
  private static final long SETTLE_MS = 10_000;

  private final Vm vm;
  private final Object lock = new Object();

  /** Guarded by lock. */
  private boolean cancelled;

  /** Guarded by lock; null when there is none to close. */
  private SocketChannel stream;

  /** Reads the stream to its end of file. What it throws ends the capture. */
  @FunctionalInterface
  public interface StreamReader {
    void read(SocketChannel stream) throws IOException, NepheleException;
  }

  public Capture(Vm vm) {
    this.vm = vm;
  }

  /**
   * Blocks until the state is out and QEMU says that all went well.
   *
   * @throws NepheleException {@code REFUSED} when the VM is not paused by a user, or was resumed by
   *     somebody meanwhile; {@code CANCELLED} after {@link #cancel}. The VM is left paused unless
   *     somebody else resumed it.
   */
  public void run(StreamReader reader) throws NepheleException {
    VmState state = vm.state();
    if (!state.pausedByUser()) {
      throw new NepheleException(
          ErrorKind.REFUSED,
          "The state of " + vm + " can't be captured: it must be paused, and is " + state + ".");
    }
    Path socket =
        vm.domainFolder().resolve("nephele-" + UUID.randomUUID().toString().substring(0, 8));
    boolean done = false;
    try (ServerSocketChannel server = listen(socket)) {
      vm.qmp("migrate-set-parameters", Vm.arguments().put("max-bandwidth", UNLIMITED));
      vm.qmp("migrate", Vm.arguments().put("uri", "unix:" + socket));
      try (SocketChannel channel = accept(server)) {
        synchronized (lock) {
          stream = channel;
          throwIfCancelled();
        }
        reader.read(channel);
      }
      settle();
      verify();
      done = true;
    } catch (IOException e) {
      synchronized (lock) {
        throwIfCancelled();
      }
      throw new NepheleException(
          ErrorKind.FAILED, "The state of " + vm + " can't be captured: " + e.getMessage(), e);
    } finally {
      if (!done) {
        giveUp();
      }
      deleteQuietly(socket);
    }
  }

  private static ServerSocketChannel listen(Path socket) throws IOException {
    ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    try {
      server.bind(UnixDomainSocketAddress.of(socket), 1);
      // The folder belongs to QEMU's user; so must the socket, for it to connect. That user may be
      // hostile and put a link in its place: only the name itself is given away. Its permissions
      // are left alone, for that always follows links; the agent's umask keeps others out.
      Files.getFileAttributeView(socket, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
          .setOwner(Files.getOwner(socket.getParent(), LinkOption.NOFOLLOW_LINKS));
      server.configureBlocking(false);
      return server;
    } catch (IOException e) {
      server.close();
      throw e;
    }
  }

  /** Waits for QEMU, as long as it says that it is coming. */
  private SocketChannel accept(ServerSocketChannel server) throws IOException, NepheleException {
    try (Selector selector = Selector.open()) {
      server.register(selector, SelectionKey.OP_ACCEPT);
      while (selector.select(200) == 0) {
        synchronized (lock) {
          throwIfCancelled();
        }
        JsonNode migration = vm.qmp("query-migrate", null);
        throwIfFailed(migration);
      }
      return server.accept();
    }
  }

  private void settle() throws NepheleException {
    long deadline = System.nanoTime() + SETTLE_MS * 1_000_000;
    for (long wait = 1; ; wait = Math.min(2 * wait, 50)) {
      JsonNode migration = vm.qmp("query-migrate", null);
      if (migration.path("status").asText().equals("completed")) {
        return;
      }
      synchronized (lock) {
        throwIfCancelled();
      }
      throwIfFailed(migration);
      if (System.nanoTime() > deadline) {
        throw new NepheleException(
            ErrorKind.FAILED,
            "QEMU sent the state of " + vm + " and does not say that it is complete: " + migration);
      }
      Hypervisor.pause(wait);
    }
  }

  private void throwIfFailed(JsonNode migration) throws NepheleException {
    String status = migration.path("status").asText();
    if (status.equals("failed") || status.equals("cancelled")) {
      throw new NepheleException(
          ErrorKind.FAILED,
          "The state of "
              + vm
              + " can't be captured, QEMU's sending has "
              + status
              + ": "
              + migration.path("error-desc").asText("no reason given"));
    }
  }

  private void throwIfCancelled() throws NepheleException {
    if (cancelled) {
      throw new NepheleException(
          ErrorKind.CANCELLED, "The capture of " + vm + " was cancelled; it is still paused.");
    }
  }

  /**
   * That nobody has let the VM run since: call it again when the disk was copied too, for nothing
   * holds the VM meanwhile.
   *
   * @throws NepheleException {@code REFUSED} when somebody has
   */
  public void verify() throws NepheleException {
    String status = vm.qmp("query-status", null).path("status").asText();
    VmState state = vm.state();
    if (!status.equals("postmigrate") || state.run() != VmState.Run.PAUSED) {
      throw new NepheleException(
          ErrorKind.REFUSED,
          "Somebody let "
              + vm
              + " run while its state was captured, so disk and memory do not match; QEMU's state"
              + " is now "
              + status
              + ". Pause it again.");
    }
  }

  /** Gives up: QEMU stops sending, {@link #run} throws, the VM stays paused. */
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
        LOG.debug("closing the stream of {}", vm, e);
      }
    }
  }

  /** Nothing in QEMU may go on sending; it does not mind when there is nothing to cancel. */
  private void giveUp() {
    try {
      vm.qmp("migrate_cancel", null);
    } catch (NepheleException e) {
      LOG.info("after a failed capture: {}", e.getMessage());
    }
  }

  static void deleteQuietly(Path socket) {
    try {
      Files.deleteIfExists(socket);
    } catch (IOException e) {
      LOG.warn("{} is left: {}", socket, e.getMessage());
    }
  }
}
