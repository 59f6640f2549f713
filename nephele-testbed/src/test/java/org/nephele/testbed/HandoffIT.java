package org.nephele.testbed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.nephele.testbed.Nodes.LAPTOP;
import static org.nephele.testbed.Nodes.NODE1;
import static org.nephele.testbed.Nodes.NODE2;
import static org.nephele.testbed.Nodes.NODE3;
import static org.nephele.testbed.Nodes.client;

import java.time.Duration;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Running VMs that move between real nodes; and moves that don't happen, after which everything is
 * as it was.
 */
class HandoffIT {
  private String uuid;

  @BeforeAll
  static void nodes() {
    Nodes.snapshot();
  }

  @AfterEach
  void end() {
    for (String node : List.of("node1", "node2", "node3")) {
      Testbed.run(Duration.ofSeconds(30), "mend", node).ok();
    }
    Testbed.run(Duration.ofSeconds(30), "rate", "off").ok();
    for (Node node : List.of(NODE1, NODE2, NODE3)) {
      if (uuid != null) {
        Nodes.stop(node, uuid);
      }
      Nodes.assertNothingLeft(node);
    }
  }

  private static boolean runs(Node node, String uuid) {
    return node.exec("virsh", "domstate", uuid).out().startsWith("running");
  }

  /**
   * It works, as if nothing had happened: no restart, no lost or wrong page or file, and it goes
   * on.
   */
  private static void assertUnharmed(Node node, String uuid, SelfCheck.Line before) {
    Nodes.report(node, uuid);
    SelfCheck.Line after = Nodes.report(node, uuid);
    assertThat(after.boot()).isEqualTo(before.boot());
    assertThat(after.errors()).isZero();
    assertThat(after.sequence()).isGreaterThan(before.sequence());
    assertThat(after.monotonicUs()).isGreaterThan(before.monotonicUs());
    assertThat(after.counter("pv")).isGreaterThan(before.counter("pv"));
    assertThat(after.counter("fv")).isGreaterThanOrEqualTo(before.counter("fv"));
    assertThat(runs(node, uuid)).isTrue();
  }

  private void assertStillAt(Node source, SelfCheck.Line before, Node... others) {
    assertUnharmed(source, uuid, before);
    assertThat(client(source.name(), "ps").ok()).containsPattern(uuid + " +\\S+ \\S+ +None");
    for (Node other : others) {
      Awaitility.await()
          .atMost(Duration.ofSeconds(60))
          .untilAsserted(() -> Nodes.assertNothingLeft(other));
    }
  }

  @Test
  void a_running_vm_moves_with_title_and_ports_and_back_again() {
    String title = "shop <1> & \"söhne\"";
    uuid = Nodes.run(title, "-p", "80,8079");
    SelfCheck.Line before = Nodes.report(NODE1, uuid);

    Shell.Output output = client("node1", "handoff", title, "node2");

    assertThat(output.exit()).as(output.err()).isZero();
    assertThat(output.out())
        .startsWith(
            "Handoff initiated for "
                + title
                + " ["
                + uuid
                + "] to the following destination: ssh://node2");
    assertUnharmed(NODE2, uuid, before);
    assertThat(client("node1", "ps").ok()).doesNotContain(uuid);
    assertThat(client("node2", "ps").ok()).contains(title).containsPattern("80,8079 +" + uuid);
    assertThat(NODE2.exec("virsh", "list", "--title").ok()).contains(title);
    assertThat(LAPTOP.sh(Nodes.probe("node2")).ok()).contains("SC1 p " + before.boot());
    assertThat(LAPTOP.sh("nc -z -w 3 node1 80").exit()).isNotZero();
    Nodes.assertNothingLeft(NODE1);

    SelfCheck.Line there = Nodes.report(NODE2, uuid);
    client("node2", "handoff", uuid, "node1").ok();
    assertUnharmed(NODE1, uuid, there);
    Nodes.assertNothingLeft(NODE2);
  }

  @Test
  void from_an_older_qemu_and_libvirt_to_newer_ones() {
    uuid = Nodes.run("older to newer", "-p", "8084");
    SelfCheck.Line before = Nodes.report(NODE1, uuid);

    client("node1", "handoff", uuid, "node3").ok();

    assertUnharmed(NODE3, uuid, before);
    assertThat(NODE3.sh("qemu-system-x86_64 --version").ok()).contains("version 10.");
    Nodes.assertNothingLeft(NODE1);
  }

  @Test
  void a_frozen_vm_arrives_frozen() {
    uuid = Nodes.run("frozen");
    SelfCheck.Line before = Nodes.report(NODE1, uuid);
    client("node1", "freeze", uuid).ok();

    client("node1", "handoff", uuid, "node2").ok();

    assertThat(NODE2.exec("virsh", "domstate", uuid).ok()).startsWith("paused");
    client("node2", "thaw", uuid).ok();
    assertUnharmed(NODE2, uuid, before);
  }

  @Test
  void to_a_node_that_is_down_or_unknown() {
    uuid = Nodes.run("no way");
    SelfCheck.Line before = Nodes.report(NODE1, uuid);

    Shell.Output unknown = client("node1", "handoff", uuid, "no-such-node");
    assertThat(unknown.exit()).isEqualTo(6);
    assertThat(unknown.err()).contains("no-such-node");

    Testbed.run(Duration.ofSeconds(30), "cut", "node2").ok();
    Shell.Output down = client("node1", "handoff", uuid, "node2");
    assertThat(down.exit()).isEqualTo(6);
    assertThat(down.err()).contains("node2");
    Testbed.run(Duration.ofSeconds(30), "mend", "node2").ok();

    Shell.Output itself = client("node1", "handoff", uuid, "node1");
    assertThat(itself.exit()).isIn(4, 6);
    assertStillAt(NODE1, before, NODE2);
  }

  @Test
  void to_a_node_without_the_image_and_with_another_one_of_that_name() {
    uuid = Nodes.run("no image");
    SelfCheck.Line before = Nodes.report(NODE1, uuid);
    NODE2.exec("mv", "/var/nephele/images/tiny.qcow2", "/var/nephele/aside").ok();
    try {
      Shell.Output none = client("node1", "handoff", uuid, "node2");
      assertThat(none.exit()).isEqualTo(3);
      assertThat(none.err()).contains("node2").contains("image import");

      client(
              "node2",
              "image",
              "build",
              "-c",
              "1",
              "-m",
              "131072",
              "--pause-when",
              "SC1",
              Nodes.TINY)
          .ok();
      Shell.Output other = client("node1", "handoff", uuid, "node2");
      assertThat(other.exit()).isIn(3, 4);
      assertThat(other.err()).contains("node2").contains("tiny.qcow2");
    } finally {
      client("node2", "image", "rm", "--yes", "tiny.qcow2");
      NODE2.exec("mv", "/var/nephele/aside", "/var/nephele/images/tiny.qcow2").ok();
    }
    assertStillAt(NODE1, before, NODE2);
  }

  @Test
  void to_a_node_where_a_port_is_taken() {
    uuid = Nodes.run("port taken", "-p", "8085");
    SelfCheck.Line before = Nodes.report(NODE1, uuid);
    Process listener = Shell.start(NODE2.command("nc", "-lk", "-p", "8085"));
    try {
      Awaitility.await().until(() -> NODE2.sh("ss -ltn | grep :8085").exit() == 0);

      Shell.Output output = client("node1", "handoff", uuid, "node2");

      assertThat(output.exit()).isEqualTo(5);
      assertThat(output.err()).contains("8085").contains("node2");
    } finally {
      listener.descendants().forEach(ProcessHandle::destroyForcibly);
      listener.destroyForcibly();
      NODE2.sh("pkill -x nc; true");
    }
    assertStillAt(NODE1, before, NODE2);
  }

  /**
   * Starts a handoff slow enough to be disturbed, and waits until memory or disk crosses the link.
   */
  private Process slowHandoff() {
    Testbed.run(Duration.ofSeconds(30), "rate", "2mbit").ok();
    Process process =
        Shell.start(LAPTOP.command(Nodes.clientWords("node1", "handoff", uuid, "node2")));
    Awaitility.await()
        .atMost(Duration.ofSeconds(60))
        .until(() -> NODE2.exec("virsh", "list", "--all", "--name").out().contains(uuid));
    assertThat(client("node1", "ps").ok()).containsPattern(uuid + ".*ssh://node2");
    return process;
  }

  @Test
  void the_other_agent_is_killed_on_the_way() {
    uuid = Nodes.run("agent killed");
    SelfCheck.Line before = Nodes.report(NODE1, uuid);
    Process handoff = slowHandoff();

    NODE2.exec("systemctl", "kill", "-s", "KILL", "nephele").ok();

    Shell.Output output = Shell.finish(handoff, Duration.ofMinutes(2));
    assertThat(output.exit()).as(output.err()).isEqualTo(7);
    assertThat(output.err()).contains("node1");
    Testbed.run(Duration.ofSeconds(30), "rate", "off").ok();
    assertStillAt(NODE1, before, NODE2);
  }

  @Test
  void the_link_is_cut_on_the_way() {
    uuid = Nodes.run("link cut");
    SelfCheck.Line before = Nodes.report(NODE1, uuid);
    Process handoff = slowHandoff();

    Testbed.run(Duration.ofSeconds(30), "cut", "node2").ok();

    Shell.Output output = Shell.finish(handoff, Duration.ofMinutes(3));
    assertThat(output.exit()).as(output.err()).isEqualTo(7);
    Testbed.run(Duration.ofSeconds(30), "rate", "off").ok();
    Testbed.run(Duration.ofSeconds(30), "mend", "node2").ok();
    assertStillAt(NODE1, before, NODE2);
  }

  @Test
  void it_is_cancelled_and_a_second_handoff_of_it_is_busy() {
    uuid = Nodes.run("cancelled");
    SelfCheck.Line before = Nodes.report(NODE1, uuid);
    Process handoff = slowHandoff();

    Shell.Output second = client("node1", "handoff", uuid, "node3");
    assertThat(second.exit()).isEqualTo(5);
    assertThat(client("node1", "stop", "--force", uuid).exit()).isEqualTo(5);

    String operation =
        client("node1", "operation", "ls")
            .ok()
            .lines()
            .filter(line -> line.contains("handoff") && line.contains("running"))
            .findFirst()
            .orElseThrow()
            .split(" ")[0];
    client("node1", "operation", "cancel", operation).ok();

    Shell.Output output = Shell.finish(handoff, Duration.ofMinutes(2));
    assertThat(output.exit()).as(output.err()).isEqualTo(8);
    Testbed.run(Duration.ofSeconds(30), "rate", "off").ok();
    assertStillAt(NODE1, before, NODE2);
  }

  @Test
  void a_client_that_is_killed_does_not_stop_it() {
    uuid = Nodes.run("client killed");
    SelfCheck.Line before = Nodes.report(NODE1, uuid);
    Process handoff = slowHandoff();

    handoff.descendants().forEach(ProcessHandle::destroyForcibly);
    handoff.destroyForcibly();
    Testbed.run(Duration.ofSeconds(30), "rate", "off").ok();

    Awaitility.await().atMost(Duration.ofMinutes(2)).until(() -> runs(NODE2, uuid));
    assertUnharmed(NODE2, uuid, before);
    assertThat(client("node1", "ps").ok()).doesNotContain(uuid);
  }
}
