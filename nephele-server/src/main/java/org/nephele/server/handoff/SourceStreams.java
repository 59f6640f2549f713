package org.nephele.server.handoff;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.nephele.core.handoff.StreamDigest;
import org.nephele.core.io.SocketStreams;
import org.nephele.core.libvirtrpc.FinishGate;
import org.nephele.core.libvirtrpc.LibvirtRelay;
import org.nephele.core.mux.MuxStream;
import org.nephele.core.qemu.StreamFeatures;
import org.nephele.server.libvirt.QemuMemory;
import org.nephele.server.peer.PeerSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The three sockets at the source that stand for the destination: libvirt's client (this agent) is
 * connected to the destination's libvirtd through one, QEMU sends memory to one and the disk to the
 * other. Every connection becomes a stream. Thread-safe.
 */
final class SourceStreams implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(SourceStreams.class);

  private final PeerSession session;
  private final FinishGate gate;
  private final Consumer<String> broken;
  private final StreamFeatures features;
  private final Optional<QemuMemory> guest;
  private final SocketFolder folder;
  private final Path libvirt;
  private final List<AutoCloseable> open = new ArrayList<>();
  private final List<Tally> tallies = new ArrayList<>();
  private boolean closed;
  private volatile boolean clientLeft;

  /**
   * @param features of the memory stream
   * @param guest the guest's memory where QEMU loses track of it; closed with this
   * @param libvirt where libvirt's client is to connect, in a folder for root only
   * @param broken told, as a sentence, when a stream can't be passed on as it is
   */
  SourceStreams(
      PeerSession session,
      StreamFeatures features,
      Optional<QemuMemory> guest,
      SocketFolder folder,
      Path libvirt,
      FinishGate gate,
      Consumer<String> broken) {
    this.session = session;
    this.features = features;
    this.guest = guest;
    guest.ifPresent(open::add);
    this.folder = folder;
    this.libvirt = libvirt;
    this.gate = gate;
    this.broken = broken;
  }

  /** Listens. */
  void open() throws IOException {
    accept(SocketFolder.listen(libvirt), Relay.LIBVIRT);
    accept(SocketFolder.listenForQemu(folder.qemu()), Relay.QEMU);
    accept(SocketFolder.listenForQemu(folder.nbd()), Relay.NBD);
    folder.letQemuIn();
  }

  private synchronized void accept(ServerSocketChannel server, String kind) {
    open.add(server);
    start("accept " + kind, () -> acceptAll(server, kind));
  }

  private static void start(String name, Runnable body) {
    Thread thread = new Thread(body, "handoff " + name);
    thread.setDaemon(true);
    thread.start();
  }

  private void acceptAll(ServerSocketChannel server, String kind) {
    try {
      while (true) {
        SocketChannel socket = server.accept();
        if (!keep(socket)) {
          return;
        }
        begin(socket, session.open(kind));
      }
    } catch (ClosedChannelException e) {
      log.debug("no more {} connections", kind);
    } catch (IOException e) {
      broken.accept("A stream to the other agent could not be opened: " + e.getMessage());
    }
  }

  private synchronized boolean keep(SocketChannel socket) throws IOException {
    if (closed) {
      socket.close();
      return false;
    }
    open.add(socket);
    return true;
  }

  private void begin(SocketChannel socket, MuxStream stream) {
    log.debug("stream {} carries {}", stream.number(), stream.kind());
    if (stream.kind().equals(Relay.LIBVIRT)) {
      LibvirtRelay relay =
          new LibvirtRelay(
              SocketStreams.input(socket),
              SocketStreams.output(socket),
              stream.input(),
              stream.output(),
              gate);
      start(
          "libvirt calls",
          () -> {
            run("calls", relay::calls);
            clientLeft = true;
          });
      start("libvirt replies", () -> run("replies", relay::replies));
    } else {
      Tally tally = new Tally(stream.number(), stream.kind());
      synchronized (this) {
        tallies.add(tally);
      }
      new Relay(socket, stream, tally, broken).startSource(features, guest.map(memory -> memory));
    }
  }

  /** Whether libvirt's client has closed its connection by itself. */
  boolean clientLeft() {
    return clientLeft;
  }

  private interface Pass {
    void all() throws IOException;
  }

  private void run(String what, Pass pass) {
    try {
      pass.all();
    } catch (IOException e) {
      log.debug("libvirt's {} ended: {}", what, e.toString());
    } catch (RuntimeException e) {
      log.error("libvirt's {} failed", what, e);
      broken.accept("libvirt's " + what + " could not be passed on: " + e);
    }
  }

  /**
   * Compares what the destination received with what was sent.
   *
   * @return what is wrong, a sentence; null when all is well
   */
  synchronized String compare(List<StreamDigest> received) {
    return compare(tallies, received);
  }

  static String compare(List<Tally> sent, List<StreamDigest> received) {
    for (StreamDigest there : received) {
      Tally tally =
          sent.stream().filter(t -> t.stream() == there.stream()).findFirst().orElse(null);
      if (tally == null || !tally.digest().equals(there)) {
        return "What arrived is not what was sent ("
            + (tally == null ? "nothing" : tally.digest())
            + " here, "
            + there
            + " there).";
      }
    }
    for (Tally tally : sent) {
      if (tally.bytes() > 0
          && received.stream().noneMatch(there -> there.stream() == tally.stream())) {
        return "The destination does not say what it received of " + tally.digest() + ".";
      }
    }
    return sent.stream().anyMatch(tally -> tally.kind().equals(Relay.QEMU))
        ? null
        : "No memory was sent.";
  }

  /** Cuts everything: libvirt and QEMU see closed connections. */
  @Override
  public void close() {
    List<AutoCloseable> all;
    synchronized (this) {
      closed = true;
      all = new ArrayList<>(open);
      open.clear();
    }
    for (AutoCloseable each : all) {
      try {
        each.close();
      } catch (Exception e) {
        log.debug("closing a socket failed: {}", e.toString());
      }
    }
    try {
      Files.deleteIfExists(libvirt);
      folder.close();
    } catch (IOException e) {
      log.warn("The sockets of a handoff can't be removed: {}", e.toString());
    }
  }
}
