package org.nephele.server.store;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.nephele.core.nbd.NbdClient;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.operation.Work;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An overlay opened for writing by {@code qemu-nbd}, behind a socket beside it (which is swept with
 * it when the agent dies), so that QEMU's own code writes the qcow2. For one thread.
 */
public final class QemuNbd implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(QemuNbd.class);
  private static final Duration START = Duration.ofSeconds(20);

  private final Path socket;
  private final Process process;
  private final Work.Registration hook;
  private NbdClient client;

  private QemuNbd(Path socket, Process process, Work.Registration hook) {
    this.socket = socket;
    this.process = process;
    this.hook = hook;
  }

  /**
   * @param overlay qcow2, which nobody else has open. It is not flushed to the disk: a VM that
   *     needs it durable flushes it itself, and before that there is nothing in it worth keeping
   */
  public static QemuNbd open(Work work, Path overlay) throws NepheleException, IOException {
    Path socket = overlay.resolveSibling("nbd.sock");
    Process process =
        Program.start(
            List.of(
                "qemu-nbd",
                "--socket=" + socket,
                "--format=qcow2",
                "--cache=unsafe",
                "--discard=unmap",
                overlay.toString()));
    QemuNbd nbd = new QemuNbd(socket, process, work.onCancel(process::destroyForcibly));
    try {
      Program.ErrorText error = new Program.ErrorText(process.getErrorStream());
      nbd.client = NbdClient.open(nbd.connect(work, overlay, error));
      return nbd;
    } catch (NepheleException | IOException | RuntimeException e) {
      nbd.close();
      throw e;
    }
  }

  private SocketChannel connect(Work work, Path overlay, Program.ErrorText error)
      throws NepheleException {
    long end = System.nanoTime() + START.toNanos();
    while (process.isAlive() && System.nanoTime() < end) {
      work.checkCancelled();
      if (Files.exists(socket)) {
        try {
          return SocketChannel.open(UnixDomainSocketAddress.of(socket));
        } catch (IOException e) {
          // Bound, but not listening yet.
          log.trace("{} does not answer yet", socket);
        }
      }
      try {
        // It takes some 20 ms; Work.await would look only five times a second.
        Thread.sleep(5);
      } catch (InterruptedException e) {
        throw new NepheleException(ErrorKind.FAILED, "The agent is being stopped.", e);
      }
    }
    work.checkCancelled();
    throw new NepheleException(
        ErrorKind.FAILED, "qemu-nbd did not open " + overlay + ": " + error.text());
  }

  public NbdClient client() {
    return client;
  }

  /** Returns when the file is complete and closed. What wasn't flushed may be lost. */
  @Override
  public void close() throws IOException, NepheleException {
    try {
      if (client != null) {
        client.close();
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
          throw new IOException("qemu-nbd does not end");
        }
      }
    } catch (InterruptedException e) {
      throw new NepheleException(ErrorKind.FAILED, "The agent is being stopped.", e);
    } finally {
      hook.close();
      process.destroyForcibly();
      Files.deleteIfExists(socket);
    }
  }
}
