package org.nephele.testbed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.nephele.testbed.Nodes.LAPTOP;
import static org.nephele.testbed.Nodes.NODE1;
import static org.nephele.testbed.Nodes.client;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * snapshot build and ls, run, ps, freeze, thaw, pause and stop on a real node; and that ps tells
 * the truth.
 */
class InstanceIT {
  private final List<String> instances = new ArrayList<>();

  @BeforeAll
  static void nodes() {
    Nodes.snapshot();
  }

  @AfterEach
  void end() {
    instances.forEach(uuid -> Nodes.stop(NODE1, uuid));
    Nodes.assertNothingLeft(NODE1);
  }

  private String run(String title, String... options) {
    String uuid = Nodes.run(title, options);
    instances.add(uuid);
    return uuid;
  }

  private static void awaitGone(String uuid) {
    Awaitility.await()
        .atMost(Duration.ofSeconds(60))
        .until(() -> !client("node1", "ps").ok().contains(uuid));
  }

  private static String state(String uuid) {
    return NODE1.exec("virsh", "domstate", "--reason", uuid).ok().strip();
  }

  @Test
  void snapshots_are_listed_as_the_original_does() {
    String list = client("node1", "snapshots").ok();

    assertThat(list.lines().findFirst().orElseThrow())
        .isEqualTo(
            "SNAPSHOT                                           IMAGE ID            CREATED");
    assertThat(list)
        .containsPattern("/var/nephele/snapshots/base\\.zip +" + Nodes.image() + " +20");
    assertThat(client("node1", "snapshot", "ls").ok()).isEqualTo(list);
  }

  @Test
  void an_instance_goes_on_where_it_was_paused_and_its_ports_answer() {
    String uuid = run("web shop", "-p", "80,8079");

    SelfCheck.Line first = Nodes.report(NODE1, uuid);
    assertThat(first.errors()).isZero();
    assertThat(first.sequence()).as("it did not boot again").isGreaterThan(2);
    assertThat(LAPTOP.sh(Nodes.probe("node1")).ok()).contains("SC1 p " + first.boot());

    String ps = client("node1", "ps").ok();
    assertThat(ps.lines().findFirst().orElseThrow())
        .matches("PID +TITLE +PORTS +UUID +STARTED +HANDOFFURL");
    assertThat(ps)
        .containsPattern("\\d+ +web shop +80,8079 +" + uuid + " +20[-0-9]+ [:0-9]+ +None");
    assertThat(NODE1.exec("virsh", "list", "--title").ok()).contains("web shop");
    assertThat(NODE1.exec("virsh", "desc", uuid).ok()).containsIgnoringCase("nephele");
  }

  @Test
  void only_the_ports_asked_for_are_open() {
    run("ports", "-p", "8080");

    List<String> ports =
        NODE1
            .sh("ss -ltnH | awk '{print $4}' | sed 's/.*://' | sort -un")
            .ok()
            .lines()
            .filter(port -> !port.equals("22") && !port.equals("8080"))
            .toList();

    // What is left is VNC, on loopback.
    assertThat(ports).allMatch(port -> port.startsWith("59"));
    assertThat(NODE1.sh("ss -ltnH | grep ':59' | grep -v 127.0.0.1; true").ok()).isEmpty();
  }

  @Test
  void a_port_that_is_taken_is_found_before_anything_starts() {
    run("first", "-p", "8081");

    Shell.Output second = client("node1", "run", "-p", "8081", "base", "second");
    assertThat(second.exit()).isEqualTo(5);
    assertThat(second.err()).contains("8081").contains("first");

    Shell.Output ssh = client("node1", "run", "-p", "22", "base", "third");
    assertThat(ssh.exit()).isEqualTo(5);
    assertThat(ssh.err()).contains("22");
    assertThat(client("node1", "ps").ok()).doesNotContain("second").doesNotContain("third");
  }

  @Test
  void freeze_thaw_and_pause() {
    String uuid = run("still");
    long before = Nodes.report(NODE1, uuid).monotonicUs();

    client("node1", "freeze", "still").ok();
    assertThat(state(uuid)).startsWith("paused");
    client("node1", "thaw", uuid).ok();
    assertThat(state(uuid)).startsWith("running");
    SelfCheck.Line after = Nodes.report(NODE1, uuid);
    assertThat(after.errors()).isZero();
    assertThat(after.monotonicUs()).isGreaterThan(before);

    client("node1", "pause", "still").ok();
    assertThat(state(uuid)).isEqualTo("paused (user)");
  }

  @Test
  void titles_hold_anything_that_is_one_line() {
    String strange = "a \"quoted\" <b>&amp; 'it' – ünï 日本";
    String uuid = run(strange);
    assertThat(client("node1", "ps").ok()).contains(strange);
    assertThat(NODE1.exec("virsh", "desc", "--title", uuid).ok()).isEqualTo(strange);
    client("node1", "freeze", strange).ok();
    client("node1", "thaw", strange).ok();

    String lengthy = "x".repeat(10_000);
    assertThat(run(lengthy)).isNotEmpty();
    client("node1", "freeze", lengthy).ok();

    Shell.Output lines = client("node1", "run", "base", "two\nlines");
    assertThat(lines.exit()).isIn(2, 4);
    assertThat(lines.err()).contains("line");
  }

  @Test
  void a_title_that_two_have_is_refused_and_unknown_ones_are_not_found() {
    String one = run("twin");
    String other = run("twin");

    Shell.Output ambiguous = client("node1", "freeze", "twin");
    assertThat(ambiguous.exit()).isEqualTo(4);
    assertThat(ambiguous.err()).contains(one).contains(other);

    assertThat(client("node1", "freeze", "nobody").exit()).isEqualTo(3);
    assertThat(client("node1", "handoff", "twin", "node2").exit()).isEqualTo(4);
    assertThat(client("node1", "handoff", "nobody", "node2").exit()).isEqualTo(3);
    assertThat(client("node1", "run", "no-such-snapshot", "x").exit()).isEqualTo(3);
  }

  @Test
  void ps_tells_the_truth_when_the_guest_powers_off() {
    String uuid = run("off");
    Nodes.report(NODE1, uuid);

    Nodes.type(NODE1, uuid, "poweroff");

    awaitGone(uuid);
  }

  @Test
  void a_reboot_inside_is_no_end() {
    String uuid = run("again");
    String boot = Nodes.report(NODE1, uuid).boot();

    Nodes.type(NODE1, uuid, "reboot");

    Awaitility.await()
        .atMost(Duration.ofSeconds(90))
        .until(() -> !Nodes.report(NODE1, uuid).boot().equals(boot));
    assertThat(client("node1", "ps").ok()).contains(uuid);
  }

  @Test
  void the_power_button_is_pressed_and_the_plug_is_pulled() {
    String uuid = run("polite");
    Nodes.report(NODE1, uuid);
    client("node1", "stop", "polite").ok();
    awaitGone(uuid);

    String other = run("rude");
    client("node1", "stop", "--force", "rude").ok();
    awaitGone(other);
  }

  @Test
  void ps_tells_the_truth_after_virsh_destroy_and_an_agent_that_died() {
    String destroyed = run("destroyed");
    String kept = run("kept", "-p", "8082");
    NODE1.exec("virsh", "destroy", destroyed).ok();
    awaitGone(destroyed);

    NODE1.exec("systemctl", "kill", "-s", "KILL", "nephele").ok();
    Awaitility.await()
        .atMost(Duration.ofSeconds(60))
        .until(() -> client("node1", "ps").exit() == 0);

    String ps = client("node1", "ps").ok();
    assertThat(ps).containsPattern("kept +8082 +" + kept);
    assertThat(Nodes.report(NODE1, kept).errors()).isZero();
  }

  @Test
  void ps_tells_the_truth_after_a_restart_of_libvirtd() {
    String uuid = run("libvirt");
    NODE1.exec("systemctl", "restart", "libvirtd").ok();

    assertThat(client("node1", "ps").ok()).contains(uuid);
    client("node1", "freeze", uuid).ok();
    client("node1", "thaw", uuid).ok();
    NODE1.exec("virsh", "destroy", uuid).ok();
    awaitGone(uuid);
  }

  @Test
  void ps_tells_the_truth_after_the_node_was_rebooted() {
    String uuid = run("gone with the node", "-p", "8083");

    Testbed.run(Duration.ofMinutes(2), "reboot", "--hard", "node1").ok();
    Awaitility.await()
        .atMost(Duration.ofSeconds(120))
        .until(() -> client("node1", "ps").exit() == 0);

    assertThat(client("node1", "ps").ok()).doesNotContain(uuid);
    assertThat(NODE1.exec("virsh", "list", "--name").ok()).isBlank();
    assertThat(client("node1", "images").ok()).contains(Nodes.image());
    // It was the only copy of what its user had done: it is kept until somebody says otherwise.
    assertThat(NODE1.exec("ls", "/var/nephele/instances/" + uuid).ok()).contains("disk.qcow2");
    client("node1", "stop", "--force", uuid).ok();
    assertThat(run("after it", "-p", "8083")).isNotEmpty();
  }
}
