package org.nephele.server.instance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;

class PortsTest {
  private final Ports ports = new Ports("127.0.0.1", "node1", 1);

  @Test
  void aPortBelongsToOneInstance() throws Exception {
    int port = freePort();
    Ports.Lease lease = ports.reserve(List.of(port), "instance 'a'");
    assertThatThrownBy(() -> ports.reserve(List.of(port), "instance 'b'"))
        .isInstanceOfSatisfying(
            NepheleException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.BUSY))
        .hasMessage("The port " + port + " of node1 belongs to instance 'a' already.");
    lease.close();
    ports.reserve(List.of(port), "instance 'b'").close();
  }

  @Test
  void allPortsAreTakenOrNone() throws Exception {
    int one = freePort();
    int two = freePort();
    ports.reserve(List.of(two), "instance 'a'");
    assertThatThrownBy(() -> ports.reserve(List.of(one, two), "instance 'b'"))
        .hasMessageContaining("belongs to");
    ports.reserve(List.of(one), "instance 'c'");
  }

  @Test
  void aPortThatAnotherProgramHasIsBusy() throws Exception {
    try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      assertThatThrownBy(() -> ports.reserve(List.of(other.getLocalPort()), "instance 'a'"))
          .isInstanceOfSatisfying(
              NepheleException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.BUSY))
          .hasMessageContaining("Another program");
    }
    try (ServerSocket wildcard = new ServerSocket(0, 1)) {
      assertThatThrownBy(() -> ports.reserve(List.of(wildcard.getLocalPort()), "instance 'a'"))
          .hasMessageContaining("Another program");
    }
  }

  @Test
  void nonsenseIsRefused() {
    for (List<Integer> wrong : List.of(List.of(0), List.of(-1), List.of(65536), List.of(80, 80))) {
      assertThatThrownBy(() -> ports.reserve(wrong, "instance 'a'"))
          .isInstanceOfSatisfying(
              NepheleException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.USAGE));
    }
    assertThatThrownBy(() -> Ports.check(Arrays.asList(80, null)))
        .isInstanceOf(NepheleException.class);
  }

  private static int freePort() throws Exception {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      return socket.getLocalPort();
    }
  }

  @Test
  void a_port_that_qemu_may_not_listen_on_is_refused_with_what_to_do() {
    Ports strict = new Ports("127.0.0.1", "node1", 1024);

    assertThatThrownBy(() -> strict.reserve(List.of(1023), "instance 'x'"))
        .isInstanceOf(NepheleException.class)
        .hasMessageContaining("ip_unprivileged_port_start=1023");
  }
}
