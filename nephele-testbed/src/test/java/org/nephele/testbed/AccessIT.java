package org.nephele.testbed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.nephele.testbed.Nodes.LAPTOP;
import static org.nephele.testbed.Nodes.NODE1;
import static org.nephele.testbed.Nodes.NODE2;
import static org.nephele.testbed.Nodes.client;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Who gets in, and who doesn't, with real sshds. */
class AccessIT {
  @BeforeAll
  static void nodes() {
    Nodes.up();
  }

  @Test
  void a_host_key_that_nobody_knows_is_refused() {
    LAPTOP.sh("cp /root/.ssh/known_hosts /root/.ssh/kept && : > /root/.ssh/known_hosts").ok();
    try {
      Shell.Output output = client("node1", "ps");
      assertThat(output.exit()).isEqualTo(6);
      assertThat(output.err()).contains("node1").contains("known_hosts");
    } finally {
      LAPTOP.sh("mv /root/.ssh/kept /root/.ssh/known_hosts").ok();
    }
  }

  @Test
  void a_key_that_the_node_does_not_know_is_refused() {
    LAPTOP
        .sh(
            "mv /root/.ssh/id_ed25519 /root/.ssh/kept && ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519")
        .ok();
    try {
      Shell.Output output = client("node1", "ps");
      assertThat(output.exit()).isEqualTo(6);
      assertThat(output.err()).contains("node1").contains("key");
    } finally {
      LAPTOP
          .sh(
              "mv /root/.ssh/kept /root/.ssh/id_ed25519 && ssh-keygen -y -f /root/.ssh/id_ed25519 > /root/.ssh/id_ed25519.pub")
          .ok();
    }
  }

  @Test
  void a_node_key_is_good_for_nothing_but_peers() {
    String ssh = "ssh -i /etc/nephele/node_key -o IdentitiesOnly=yes -o BatchMode=yes ";

    Shell.Output shell = NODE1.sh("echo | timeout 5 " + ssh + "root@node2 cat /etc/shadow");
    assertThat(shell.out()).doesNotContain("root:");

    Shell.Output forward =
        NODE1.sh(
            "timeout 5 "
                + ssh
                + "-N -o ExitOnForwardFailure=yes -L /root/t.sock:/run/libvirt/libvirt-sock root@node2 & sleep 2;"
                + " timeout 2 virsh -c 'qemu+unix:///system?socket=/root/t.sock' list; kill %1; rm -f /root/t.sock; true");
    assertThat(forward.out()).doesNotContain("Id ");

    Shell.Output agent =
        NODE1.sh(
            "timeout 5 "
                + ssh
                + "-W /run/nephele/agent.sock root@node2 </dev/null; timeout 5 "
                + ssh
                + "-W localhost:22 root@node2 </dev/null");
    assertThat(agent.out()).doesNotContain("SSH-2.0").doesNotContain("jsonrpc");

    Shell.Output copy =
        NODE1.sh(
            "timeout 5 scp -q -i /etc/nephele/node_key -o IdentitiesOnly=yes -o BatchMode=yes root@node2:/etc/shadow /root/t; ls /root/t");
    assertThat(copy.exit()).isNotZero();
  }

  @Test
  void a_local_user_who_is_not_root_gets_nowhere() {
    NODE1.sh("id -u somebody >/dev/null 2>&1 || useradd somebody").ok();
    String probe =
        "for s in /run/nephele/agent.sock /run/nephele/peer.sock; do"
            + " setpriv --reuid somebody --clear-groups nc -U $s </dev/null && echo open; done;"
            + " setpriv --reuid somebody --clear-groups ls /var/nephele /var/nephele/images /run/nephele; true";
    Shell.Output output = NODE1.sh(probe);
    assertThat(output.out()).isEmpty();
    assertThat(NODE1.exec("stat", "-c", "%a %U", "/etc/nephele/node_key").ok())
        .isEqualTo("600 root");
  }

  @Test
  void a_peer_that_speaks_garbage_is_dropped() {
    NODE1.sh("head -c 100000 /dev/urandom | timeout 10 nc -NU /run/nephele/peer.sock | wc -c").ok();
    NODE1.sh("head -c 9000000 /dev/zero | timeout 10 nc -NU /run/nephele/agent.sock | wc -c").ok();
    assertThat(client("node1", "ps").exit()).isZero();
    assertThat(NODE2.exec("systemctl", "is-active", "nephele").ok()).isEqualTo("active");
  }
}
