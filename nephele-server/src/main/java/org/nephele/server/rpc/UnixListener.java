package org.nephele.server.rpc;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.Semaphore;
import jdk.net.ExtendedSocketOptions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A unix socket for root only: the folder is closed to others before the socket exists, the
 * socket's mode is 0600, and the kernel's word on who connects is asked. One thread a connection, a
 * bounded number of them.
 */
public final class UnixListener implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(UnixListener.class);

  private final Path path;
  private final ServerSocketChannel server;
  private final Semaphore places;
  private final Handler handler;

  /** Serves one connection; the listener closes the channel afterwards. */
  @FunctionalInterface
  public interface Handler {
    void serve(SocketChannel channel) throws IOException;
  }

  private UnixListener(Path path, ServerSocketChannel server, int most, Handler handler) {
    this.path = path;
    this.server = server;
    this.places = new Semaphore(most);
    this.handler = handler;
  }

  /**
   * Starts listening. A socket file that an earlier agent left is replaced.
   *
   * @param most connections served at a time; more are closed at once
   */
  public static UnixListener open(Path path, int most, Handler handler) throws IOException {
    Path folder = path.toAbsolutePath().getParent();
    Files.createDirectories(folder);
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
    Files.deleteIfExists(path);
    ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(path));
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
    UnixListener listener = new UnixListener(path, server, most, handler);
    Thread thread = new Thread(listener::acceptAll, "listen " + path.getFileName());
    thread.setDaemon(true);
    thread.start();
    return listener;
  }

  private void acceptAll() {
    while (true) {
      SocketChannel channel;
      try {
        channel = server.accept();
      } catch (ClosedChannelException e) {
        return;
      } catch (IOException e) {
        log.error("Accepting on {} failed", path, e);
        return;
      }
      if (!places.tryAcquire()) {
        log.warn("Too many connections on {}: one was closed", path);
        close(channel);
        continue;
      }
      Thread thread = new Thread(() -> serve(channel), "serve " + path.getFileName());
      thread.setDaemon(true);
      thread.start();
    }
  }

  private void serve(SocketChannel channel) {
    try (channel) {
      String user = channel.getOption(ExtendedSocketOptions.SO_PEERCRED).user().getName();
      if (!user.equals("root") && !user.equals(System.getProperty("user.name"))) {
        log.warn("User {} connected to {} and was turned away", user, path);
        return;
      }
      handler.serve(channel);
    } catch (IOException e) {
      log.debug("A connection to {} ended: {}", path, e.toString());
    } catch (RuntimeException e) {
      log.error("A connection to {} failed", path, e);
    } finally {
      places.release();
    }
  }

  private static void close(SocketChannel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      log.debug("Closing a connection failed: {}", e.toString());
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
    Files.deleteIfExists(path);
  }
}
