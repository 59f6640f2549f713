package org.nephele.testbed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.nephele.testbed.Nodes.LAPTOP;
import static org.nephele.testbed.Nodes.NODE1;
import static org.nephele.testbed.Nodes.NODE2;
import static org.nephele.testbed.Nodes.client;

import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * An agent dies in the very moment in which it is decided who has the VM. Afterwards one node runs
 * it, and the other one has nothing. The moments are found by looking at the journals.
 */
class HandoffRecoveryIT {
  private static final Duration SETTLED = Duration.ofMinutes(2);
  private static final String JOURNALS = "/var/nephele/handoffs";

  /** Where the journals are while they can't be written. */
  private static final String ASIDE = "/var/nephele/handoffs.aside";

  private static final String AGENT = "$(systemctl show -p MainPID --value nephele)";

  private String uuid;

  @BeforeAll
  static void nodes() {
    Nodes.snapshot();
  }

  @AfterEach
  void end() {
    NODE1.sh("mv -T " + ASIDE + " " + JOURNALS + " 2>/dev/null; true");
    for (Node node : List.of(NODE1, NODE2)) {
      Nodes.stop(node, uuid);
      node.sh("rm -f " + JOURNALS + "/*.destination").ok();
      Nodes.assertNothingLeft(node);
    }
  }

  private static boolean runs(Node node, String uuid) {
    return node.exec("virsh", "domstate", uuid).out().startsWith("running");
  }

  private Process handoff() {
    return Shell.start(LAPTOP.command(Nodes.clientWords("node1", "handoff", uuid, "node2")));
  }

  /** Kills the agent as soon as its journal says that word; ID.source.tmp doesn't count yet. */
  private static void killAgentAt(Node node, String phase) {
    node.exec(
            Duration.ofMinutes(2),
            "sh",
            "-c",
            "agent="
                + AGENT
                + "; until grep -qs '\""
                + phase
                + "\"' "
                + JOURNALS
                + "/*[en]; do :; done; kill -9 $agent")
        .ok();
  }

  private static boolean journalSays(Node node, String phase) {
    return node.sh("grep -qs '\"" + phase + "\"' " + JOURNALS + "/*[en]").exit() == 0;
  }

  /** Where it runs, once it runs at exactly one node and the other one has nothing. */
  private Node settled() {
    return Awaitility.await()
        .atMost(SETTLED)
        .pollInterval(Duration.ofSeconds(1))
        .ignoreException(AssertionError.class)
        .until(
            () -> {
              List<Node> running = Stream.of(NODE1, NODE2).filter(n -> runs(n, uuid)).toList();
              if (running.size() != 1
                  || !client(running.get(0).name(), "ps").out().contains(uuid)) {
                return null;
              }
              Nodes.assertNothingLeft(running.get(0) == NODE1 ? NODE2 : NODE1);
              return NODE1.sh("ls " + JOURNALS + " | grep source").out().isEmpty()
                  ? running.get(0)
                  : null;
            },
            node -> node != null);
  }

  private void assertUnharmed(Node node, SelfCheck.Line before) {
    Nodes.report(node, uuid);
    SelfCheck.Line after = Nodes.report(node, uuid);
    assertThat(after.boot()).isEqualTo(before.boot());
    assertThat(after.errors()).isZero();
    assertThat(after.sequence()).isGreaterThan(before.sequence());
  }

  @Test
  void the_sources_agent_dies_when_it_has_decided() {
    uuid = Nodes.run("dies when decided", "-p", "8086");
    SelfCheck.Line before = Nodes.report(NODE1, uuid);
    Process handoff = handoff();

    killAgentAt(NODE1, "COMMITTED");

    assertThat(settled()).isEqualTo(NODE2);
    assertUnharmed(NODE2, before);
    Shell.finish(handoff, Duration.ofMinutes(1));
  }

  @Test
  void the_destinations_agent_dies_when_it_is_ready() {
    uuid = Nodes.run("dies when ready", "-p", "8087");
    SelfCheck.Line before = Nodes.report(NODE1, uuid);
    Process handoff = handoff();

    killAgentAt(NODE2, "READY");

    assertUnharmed(settled(), before);
    Shell.finish(handoff, Duration.ofMinutes(2));
  }

  @Test
  void the_sources_agent_dies_before_it_could_decide() {
    uuid = Nodes.run("can't decide", "-p", "8088");
    SelfCheck.Line before = Nodes.report(NODE1, uuid);
    Process handoff = handoff();
    Awaitility.await().atMost(SETTLED).until(() -> journalSays(NODE1, "STARTED"));
    NODE1.exec("mv", JOURNALS, ASIDE).ok();
    Awaitility.await().atMost(SETTLED).until(() -> journalSays(NODE2, "READY"));
    assertThat(runs(NODE2, uuid)).isFalse();

    NODE1.sh("kill -9 " + AGENT + "; mv " + ASIDE + " " + JOURNALS).ok();

    assertThat(settled()).isEqualTo(NODE1);
    assertUnharmed(NODE1, before);
    Shell.finish(handoff, Duration.ofMinutes(1));
  }

  @Test
  void a_decision_that_can_not_be_written_is_not_taken() {
    uuid = Nodes.run("can't write", "-p", "8089");
    SelfCheck.Line before = Nodes.report(NODE1, uuid);
    Process handoff = handoff();
    Awaitility.await().atMost(SETTLED).until(() -> journalSays(NODE1, "STARTED"));
    NODE1.exec("mv", JOURNALS, ASIDE).ok();
    Awaitility.await().atMost(SETTLED).until(() -> journalSays(NODE2, "READY"));
    assertThat(runs(NODE2, uuid)).isFalse();

    NODE1.exec("mv", ASIDE, JOURNALS).ok();

    Shell.Output output = Shell.finish(handoff, Duration.ofMinutes(2));
    assertThat(output.exit()).as(output.err()).isEqualTo(7);
    assertThat(settled()).isEqualTo(NODE1);
    assertUnharmed(NODE1, before);
  }
}
