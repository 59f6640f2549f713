package org.nephele.testbed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.nephele.testbed.Nodes.LAPTOP;
import static org.nephele.testbed.Nodes.NODE1;
import static org.nephele.testbed.Nodes.NODE2;
import static org.nephele.testbed.Nodes.client;

import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/**
 * A whole Debian with services and a guest agent: from its disk to another node, with its clock set
 * right each time.
 */
class DebianIT {
  private static final Duration CLOCK_MAY_BE_OFF = Duration.ofSeconds(5);

  @Test
  void a_debian_with_a_web_server_moves_and_knows_what_time_it_is() {
    Nodes.up();
    Path disk = Testbed.guest("debian");
    Testbed.run(Duration.ofMinutes(1), "copy", disk.toString(), "node1:/root/debian.qcow2").ok();
    String uuid = null;
    try {
      String built =
          LAPTOP
              .exec(
                  Duration.ofMinutes(8),
                  Nodes.clientWords(
                      "node1",
                      "image",
                      "build",
                      "-c",
                      "1",
                      "-m",
                      "786432",
                      "--pause-when",
                      "SC1 r",
                      "/root/debian.qcow2"))
              .ok();
      String image = built.lines().skip(1).findFirst().orElseThrow().split(" ")[0];
      client("node1", "image", "export", image, "/root/debian.zip").ok();
      LAPTOP.exec("scp", "-q", "-3", "node1:/root/debian.zip", "node2:/root/debian.zip").ok();
      client("node2", "image", "import", "/root/debian.zip").ok();
      client("node1", "snapshot", "build", "--pause-after", "45s", image, "debian").ok();

      Shell.Output run = client("node1", "run", "-p", "80", "debian", "web");
      assertThat(run.exit()).as(run.err()).isZero();
      assertThat(run.err()).doesNotContain("guest agent");
      uuid = Nodes.uuids(client("node1", "ps").ok()).get(0);
      assertClock(NODE1, uuid);
      SelfCheck.Line before = Nodes.report(NODE1, uuid);
      assertThat(LAPTOP.sh(page("node1")).ok()).contains("200 OK");

      Shell.Output moved = client("node1", "handoff", "web", "node2");
      assertThat(moved.exit()).as(moved.err()).isZero();
      assertThat(moved.err()).doesNotContain("guest agent");
      assertClock(NODE2, uuid);
      SelfCheck.Line after = Nodes.report(NODE2, uuid);
      assertThat(after.boot()).isEqualTo(before.boot());
      assertThat(after.errors()).isZero();
      assertThat(LAPTOP.sh(page("node2")).ok()).contains("200 OK");
    } finally {
      if (uuid != null) {
        Nodes.stop(NODE1, uuid);
        Nodes.stop(NODE2, uuid);
      }
      client("node1", "image", "rm", "--yes", "debian.qcow2");
      client("node2", "image", "rm", "--yes", "debian.qcow2");
    }
  }

  private static String page(String node) {
    return "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | timeout 30 nc -q 15 " + node + " 80 | head -n 1";
  }

  private static void assertClock(Node node, String uuid) {
    SelfCheck.Line line = Nodes.report(node, uuid);
    long now = System.currentTimeMillis() * 1000;
    assertThat(Math.abs(now - line.realtimeUs()))
        .as("µs that the guest's clock is off")
        .isLessThan(CLOCK_MAY_BE_OFF.toNanos() / 1000);
  }
}
