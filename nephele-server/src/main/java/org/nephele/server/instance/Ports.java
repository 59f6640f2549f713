package org.nephele.server.instance;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;

/**
 * Which instance has which TCP port of this node. A port belongs to one instance, from before it is
 * started until it is gone. Thread-safe.
 */
public final class Ports {
  private final String address;
  private final String node;
  private final int lowest;
  private final Map<Integer, String> owners = new HashMap<>();

  /**
   * @param address numeric, where forwards listen
   * @param node this node's name, for messages
   * @param lowest the first port that QEMU may listen on, see {@link #lowest}
   */
  public Ports(String address, String node, int lowest) {
    this.address = address;
    this.node = node;
    this.lowest = lowest;
  }

  /**
   * The first port that a program without privileges, such as QEMU, may listen on here: the
   * kernel's net.ipv4.ip_unprivileged_port_start, which the installation lowers from 1024 to 80.
   */
  public static int lowest() throws IOException {
    return Integer.parseInt(
        Files.readString(Path.of("/proc/sys/net/ipv4/ip_unprivileged_port_start")).trim());
  }

  /** Ports that are kept for one instance until this is closed. */
  @FunctionalInterface
  public interface Lease extends AutoCloseable {
    @Override
    void close();
  }

  /**
   * Refuses numbers that are no ports, and the same one twice.
   *
   * @throws NepheleException USAGE
   */
  public static void check(List<Integer> ports) throws NepheleException {
    Set<Integer> seen = new HashSet<>();
    for (Integer port : ports) {
      if (port == null || port < 1 || port > 65535) {
        throw new NepheleException(
            ErrorKind.USAGE, port + " is no TCP port: they go from 1 to 65535.");
      }
      if (!seen.add(port)) {
        throw new NepheleException(ErrorKind.USAGE, "The port " + port + " is there twice.");
      }
    }
  }

  /**
   * Takes all of the ports, or none.
   *
   * @param who for the sentence that others get, such as {@code instance 'x'}
   * @throws NepheleException USAGE for what is no port; BUSY when an instance has one of them, or
   *     another program listens on it; REFUSED for one that QEMU may not listen on
   */
  public synchronized Lease reserve(List<Integer> ports, String who) throws NepheleException {
    check(ports);
    for (int port : ports) {
      String owner = owners.get(port);
      if (owner != null) {
        throw new NepheleException(
            ErrorKind.BUSY,
            "The port " + port + " of " + node + " belongs to " + owner + " already.");
      }
      probe(port);
      if (port < lowest) {
        throw new NepheleException(
            ErrorKind.REFUSED,
            "QEMU may not listen on port "
                + port
                + " of "
                + node
                + ", which keeps ports below "
                + lowest
                + " for root: 'sysctl -w net.ipv4.ip_unprivileged_port_start="
                + port
                + "' there allows it.");
      }
    }
    return take(ports, who);
  }

  /** Takes ports that QEMU listens on already. */
  synchronized Lease take(List<Integer> ports, String who) {
    ports.forEach(port -> owners.putIfAbsent(port, who));
    return () -> {
      synchronized (this) {
        ports.forEach(port -> owners.remove(port, who));
      }
    };
  }

  /** Nothing but trying tells whether a port is free. Listens for an instant, accepts nothing. */
  private void probe(int port) throws NepheleException {
    try (ServerSocket socket = new ServerSocket()) {
      socket.bind(new InetSocketAddress(InetAddress.getByName(address), port), 1);
    } catch (IOException e) {
      throw new NepheleException(
          ErrorKind.BUSY,
          "The port "
              + port
              + " of "
              + node
              + " can't be had on "
              + address
              + ": "
              + e.getMessage()
              + ". Another program may be listening there ('ss -ltnp' shows it).",
          e);
    }
  }
}
