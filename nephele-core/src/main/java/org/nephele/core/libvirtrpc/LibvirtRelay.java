package org.nephele.core.libvirtrpc;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Passes packets between a libvirt client and a libvirtd, and holds the reply to Finish back until
 * its gate opens. There is one at each end of the link. {@link #calls} and {@link #replies} are for
 * a thread each; both return when the relay has ended.
 */
public final class LibvirtRelay {
  private final InputStream fromClient;
  private final OutputStream toClient;
  private final InputStream fromServer;
  private final OutputStream toServer;
  private final Side near;
  private final FinishGate gate;
  private final CallGuard guard;

  /** Serials of the Finish calls under way, with whether they cancel. */
  private final Map<Integer, Boolean> finishes = new ConcurrentHashMap<>();

  /** Which of the two is on this node; the other one is behind the link. */
  public enum Side {
    CLIENT,
    SERVER
  }

  /**
   * @param guard asked before a call is passed on; where the client is our own, it need not refuse
   *     anything
   */
  public LibvirtRelay(
      InputStream fromClient,
      OutputStream toClient,
      InputStream fromServer,
      OutputStream toServer,
      Side near,
      FinishGate gate,
      CallGuard guard) {
    this.fromClient = fromClient;
    this.toClient = toClient;
    this.fromServer = fromServer;
    this.toServer = toServer;
    this.near = near;
    this.gate = gate;
    this.guard = guard;
  }

  /** At the source, whose client is our own. */
  public LibvirtRelay(
      InputStream fromClient,
      OutputStream toClient,
      InputStream fromServer,
      OutputStream toServer,
      FinishGate gate) {
    this(fromClient, toClient, fromServer, toServer, Side.CLIENT, gate, call -> {});
  }

  /**
   * Relays what the client says until it has closed, then closes towards the server.
   *
   * @throws RefusedCallException when a call must not pass. Then both connections stay open, for
   *     the caller to say why before anybody sees them closed.
   */
  public void calls() throws IOException {
    boolean refused = false;
    try {
      for (Optional<LibvirtPacket> next = LibvirtPacket.read(fromClient);
          next.isPresent();
          next = LibvirtPacket.read(fromClient)) {
        LibvirtPacket packet = next.get();
        if (packet.isPing() && near == Side.CLIENT) {
          write(toClient, packet.pong());
          continue;
        }
        if (packet.isPong()) {
          continue; // to a PING that was answered beside the server already
        }
        check(packet);
        write(toServer, packet);
      }
    } catch (RefusedCallException e) {
      refused = true;
      throw e;
    } finally {
      if (!refused) {
        toServer.close();
      }
    }
  }

  private void check(LibvirtPacket packet) throws IOException {
    LibvirtCall call = LibvirtCall.decode(packet);
    guard.check(call);
    if (call instanceof LibvirtCall.Finish finish) {
      finishes.put(packet.serial(), finish.cancelled());
    }
  }

  /**
   * Relays what the server says until it has closed or the gate forbids more, then closes towards
   * the client as soon as the gate lets it.
   */
  public void replies() throws IOException {
    try (toClient) {
      try {
        for (Optional<LibvirtPacket> next = LibvirtPacket.read(fromServer);
            next.isPresent();
            next = LibvirtPacket.read(fromServer)) {
          LibvirtPacket packet = next.get();
          if (packet.isPing() && near == Side.SERVER) {
            write(toServer, packet.pong());
            continue;
          }
          if (packet.isPong() && near == Side.CLIENT) {
            continue;
          }
          if (isFinished(packet)) {
            gate.finished();
          }
          write(toClient, packet);
        }
      } finally {
        gate.ended();
      }
    }
  }

  /** Whether this is the good news. A failure, and what a cancelling Finish gets, just pass. */
  private boolean isFinished(LibvirtPacket packet) {
    if (packet.type() != LibvirtPacket.REPLY && packet.type() != LibvirtPacket.REPLY_WITH_FDS) {
      return false;
    }
    Boolean cancels = finishes.remove(packet.serial());
    return cancels != null && !cancels && packet.status() == LibvirtPacket.STATUS_OK;
  }

  private static void write(OutputStream out, LibvirtPacket packet) throws IOException {
    // Pongs come from the other direction's thread.
    synchronized (out) {
      out.write(packet.bytes());
      out.flush();
    }
  }
}
