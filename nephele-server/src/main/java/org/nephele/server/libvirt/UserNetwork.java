package org.nephele.server.libvirt;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;

/**
 * The TCP forwards of a VM's user network, by QEMU's human monitor: QMP has no command for them,
 * and libvirt 9.0 no element.
 */
final class UserNetwork {
  private static final Pattern IPV4 = Pattern.compile("\\d{1,3}(\\.\\d{1,3}){3}");

  /** {@code TCP[HOST_FORWARD] 12 127.0.0.1 8080 10.0.2.15 80 0 0}. */
  private static final Pattern LISTED =
      Pattern.compile("^\\s*TCP\\[HOST_FORWARD]\\s+\\d+\\s+(\\S+)\\s+(\\d+)\\s+\\S+\\s+(\\d+)\\s");

  private final Vm vm;
  private final String netdev;

  private UserNetwork(Vm vm, String netdev) {
    this.vm = vm;
    this.netdev = netdev;
  }

  static UserNetwork of(Vm vm) throws NepheleException {
    String netdev =
        vm.xml()
            .userNetdev()
            .orElseThrow(
                () ->
                    new NepheleException(
                        ErrorKind.REFUSED,
                        "The VM "
                            + vm.name()
                            + " has no user network, so no ports can be forwarded to it."));
    return new UserNetwork(vm, netdev);
  }

  void add(String address, int port) throws NepheleException {
    check(address, port);
    String answer =
        vm.hmp("hostfwd_add " + netdev + " tcp:" + address + ":" + port + "-:" + port).strip();
    if (!answer.isEmpty()) {
      // It says no more than that it could not: the address, or the port.
      throw new NepheleException(
          ErrorKind.BUSY,
          "Port " + port + " of this node can't be forwarded, something else has it: " + answer);
    }
  }

  void remove(String address, int port) throws NepheleException {
    check(address, port);
    String answer = vm.hmp("hostfwd_remove " + netdev + " tcp:" + address + ":" + port).strip();
    if (!answer.endsWith("removed")) {
      throw new NepheleException(
          ErrorKind.NOT_FOUND,
          "The forward of port " + port + " to " + vm.name() + " can't be removed: " + answer);
    }
  }

  List<Vm.Forward> list() throws NepheleException {
    List<Vm.Forward> forwards = new ArrayList<>();
    for (String line : vm.hmp("info usernet").split("\n")) {
      Matcher matcher = LISTED.matcher(line);
      if (matcher.find()) {
        forwards.add(
            new Vm.Forward(
                matcher.group(1),
                Integer.parseInt(matcher.group(2)),
                Integer.parseInt(matcher.group(3))));
      }
    }
    return forwards;
  }

  /** The monitor's command is text: nothing but an address and a port may get into it. */
  private static void check(String address, int port) throws NepheleException {
    if (!IPV4.matcher(address).matches()) {
      throw new NepheleException(
          ErrorKind.USAGE,
          "QEMU forwards ports from IPv4 addresses only, not from '" + address + "'.");
    }
    if (port < 1 || port > 65535) {
      throw new NepheleException(ErrorKind.USAGE, "A port is 1 to 65535, not " + port + ".");
    }
  }
}
