package org.nephele.server.handoff;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.nephele.core.handoff.StreamDigest;
import org.nephele.core.io.SocketStreams;
import org.nephele.core.libvirtrpc.CallGuard;
import org.nephele.core.libvirtrpc.FinishGate;
import org.nephele.core.libvirtrpc.LibvirtRelay;
import org.nephele.core.libvirtrpc.RefusedCallException;
import org.nephele.core.mux.MuxStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The destination's end of the streams: each is connected to this node's libvirtd, or to the socket
 * on which the waiting QEMU listens. Thread-safe.
 */
final class DestinationStreams implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(DestinationStreams.class);

  /** As libvirt's monolithic and its modular daemon have it. */
  private static final List<Path> LIBVIRTD =
      List.of(Path.of("/run/libvirt/libvirt-sock"), Path.of("/run/libvirt/virtqemud-sock"));

  /** The last bytes may still be on their way to QEMU when libvirt knows that it has them all. */
  private static final long END_MS = 10_000;

  /** An instance has one disk; each stream takes a buffer and two threads. */
  private static final int MOST_NBD = 4;

  private final SocketFolder folder;
  private final FinishGate gate;
  private final CallGuard guard;
  private final Consumer<String> refused;
  private final List<SocketChannel> open = new ArrayList<>();
  private final List<Tally> tallies = new ArrayList<>();
  private final Map<String, Integer> most =
      new HashMap<>(Map.of(Relay.LIBVIRT, 1, Relay.QEMU, 1, Relay.NBD, MOST_NBD));
  private boolean closed;

  /**
   * @param guard what the source's libvirt client may say to our libvirtd
   * @param refused told, as a sentence, when it said something else; then this is to be closed
   */
  DestinationStreams(
      SocketFolder folder, FinishGate gate, CallGuard guard, Consumer<String> refused) {
    this.folder = folder;
    this.gate = gate;
    this.guard = guard;
    this.refused = refused;
  }

  /**
   * Takes a stream. Does not block.
   *
   * @throws IOException with a sentence when there is no such stream in a handoff
   */
  void opened(MuxStream stream) throws IOException {
    List<Path> targets =
        switch (stream.kind()) {
          case Relay.LIBVIRT -> LIBVIRTD;
          case Relay.QEMU -> List.of(folder.qemu());
          case Relay.NBD -> List.of(folder.nbd());
          default ->
              throw new IOException("a handoff has no stream called '" + stream.kind() + "'");
        };
    synchronized (this) {
      if (most.merge(stream.kind(), -1, Integer::sum) < 0) {
        throw new IOException("a handoff has no more streams called '" + stream.kind() + "'");
      }
    }
    start("connect " + stream.kind(), () -> connect(stream, targets));
  }

  private static void start(String name, Runnable body) {
    Thread thread = new Thread(body, "handoff " + name);
    thread.setDaemon(true);
    thread.start();
  }

  private void connect(MuxStream stream, List<Path> targets) {
    Path target = targets.stream().filter(Files::exists).findFirst().orElse(targets.get(0));
    SocketChannel socket;
    try {
      socket = SocketChannel.open(UnixDomainSocketAddress.of(target));
      if (!keep(socket)) {
        stream.reset("the handoff is over");
        return;
      }
      if (!stream.kind().equals(Relay.LIBVIRT)) {
        SocketFolder.requireQemu(socket);
      }
    } catch (IOException e) {
      log.warn("{} can't be opened: {}", target, e.toString());
      stream.reset(target.getFileName() + " can't be opened there: " + e.getMessage());
      return;
    }
    if (stream.kind().equals(Relay.LIBVIRT)) {
      LibvirtRelay relay =
          new LibvirtRelay(
              stream.input(),
              stream.output(),
              SocketStreams.input(socket),
              SocketStreams.output(socket),
              LibvirtRelay.Side.SERVER,
              gate,
              guard);
      start("libvirt calls", () -> run("calls", relay::calls));
      start("libvirt replies", () -> run("replies", relay::replies));
    } else {
      Tally tally = new Tally(stream.number(), stream.kind());
      synchronized (this) {
        tallies.add(tally);
      }
      new Relay(socket, stream, tally, problem -> log.error("{}", problem)).startDestination();
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

  private interface Pass {
    void all() throws IOException;
  }

  private void run(String what, Pass pass) {
    try {
      pass.all();
    } catch (RefusedCallException e) {
      log.error("{}", e.getMessage());
      refused.accept(e.getMessage());
    } catch (IOException e) {
      log.debug("libvirt's {} ended: {}", what, e.toString());
    } catch (RuntimeException e) {
      log.error("libvirt's {} failed", what, e);
      close(); // so that everybody sees it
    }
  }

  /** What has arrived; waits for the end of what QEMU sends. */
  List<StreamDigest> digests() throws IOException, InterruptedException {
    List<Tally> all;
    synchronized (this) {
      all = List.copyOf(tallies);
    }
    List<StreamDigest> digests = new ArrayList<>();
    for (Tally tally : all) {
      if (!tally.awaitEnd(END_MS)) {
        throw new IOException("the stream " + tally.kind() + " has not come to its end");
      }
      digests.add(tally.digest());
    }
    return digests;
  }

  @Override
  public void close() {
    List<SocketChannel> all;
    synchronized (this) {
      closed = true;
      all = List.copyOf(open);
      open.clear();
    }
    for (SocketChannel each : all) {
      try {
        each.close();
      } catch (IOException e) {
        log.debug("closing a socket failed: {}", e.toString());
      }
    }
  }
}
