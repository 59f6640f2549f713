package org.nephele.testbed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.nephele.testbed.Nodes.LAPTOP;
import static org.nephele.testbed.Nodes.NODE1;
import static org.nephele.testbed.Nodes.client;

import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** image build, ls, export, import and rm on real nodes. */
class ImageIT {
  private static final String TITLE = "a build";

  @BeforeAll
  static void nodes() {
    Nodes.image();
  }

  @AfterEach
  void nothingIsLeft() {
    Nodes.assertNothingLeft(NODE1);
    NODE1.sh("rm -f /root/t-*");
  }

  /** Starts a build of a fresh copy of the disk, without waiting for it. */
  private static Process build(String name, String... more) {
    NODE1.exec("cp", Nodes.TINY, "/root/" + name).ok();
    String[] words = {
      "nephele-client",
      "node1",
      "image",
      "build",
      "-t",
      TITLE,
      "-c",
      "1",
      "-m",
      "131072",
      "/root/" + name
    };
    String[] all = new String[words.length + more.length];
    System.arraycopy(words, 0, all, 0, words.length - 1);
    System.arraycopy(more, 0, all, words.length - 1, more.length);
    all[all.length - 1] = "/root/" + name;
    return Shell.start(LAPTOP.command(all));
  }

  private static String domain() {
    return Awaitility.await()
        .atMost(Duration.ofSeconds(90))
        .until(
            () -> NODE1.exec("virsh", "list", "--name", "--state-running").ok().strip(),
            name -> name.startsWith("nephele-"));
  }

  private static String imageNamed(String name) {
    return client("node1", "images")
        .ok()
        .lines()
        .filter(line -> line.contains(" " + name + " "))
        .findFirst()
        .orElse("");
  }

  private static void remove(String name) {
    client("node1", "image", "rm", "--yes", name).ok();
  }

  @Test
  void images_are_listed_as_the_original_does() {
    String list = client("node1", "images").ok();

    assertThat(list.lines().findFirst().orElseThrow())
        .isEqualTo("IMAGE ID            NAME (/var/nephele/images/)                        SOURCE");
    assertThat(list).contains(Nodes.image() + "        tiny.qcow2 ").contains(Nodes.TINY);
    assertThat(client("node1", "image", "ls").ok()).isEqualTo(list);
    String sum = NODE1.exec("sha256sum", "/var/nephele/images/tiny.qcow2/disk.raw").ok();
    assertThat(sum).startsWith(Nodes.image());
    assertThat(NODE1.exec("stat", "-c", "%a %U", "/var/nephele/images/tiny.qcow2/disk.raw").ok())
        .isEqualTo("444 root");
  }

  @Test
  void a_build_ends_when_somebody_pauses_it_with_virsh() {
    Process client = build("t-virsh");
    String domain = domain();

    NODE1.exec("virsh", "suspend", domain).ok();

    Shell.finish(client, Duration.ofMinutes(2)).ok();
    assertThat(imageNamed("t-virsh")).isNotEmpty();
    remove("t-virsh");
  }

  @Test
  void a_build_outlives_its_client_and_ends_with_pause() {
    Process client = build("t-killed");
    domain();
    client.descendants().forEach(ProcessHandle::destroyForcibly);
    client.destroyForcibly();

    client("node1", "pause", TITLE).ok();

    Awaitility.await().atMost(Duration.ofMinutes(1)).until(() -> !imageNamed("t-killed").isEmpty());
    remove("t-killed");
  }

  @Test
  void freezing_does_not_end_a_build() {
    Process client = build("t-frozen");
    String domain = domain();

    client("node1", "freeze", TITLE).ok();
    assertThat(NODE1.exec("virsh", "domstate", domain).ok()).startsWith("paused");
    client("node1", "thaw", TITLE).ok();
    assertThat(NODE1.exec("virsh", "domstate", domain).ok()).startsWith("running");
    assertThat(client.isAlive()).isTrue();

    client("node1", "pause", TITLE).ok();
    Shell.finish(client, Duration.ofMinutes(2)).ok();
    remove("t-frozen");
  }

  @Test
  void a_guest_that_powers_off_makes_no_image() {
    Process client = build("t-off");
    NODE1.exec("virsh", "destroy", domain()).ok();

    Shell.Output output = Shell.finish(client, Duration.ofMinutes(1));

    assertThat(output.exit()).isEqualTo(1);
    assertThat(output.err()).contains("nephele-client: ").contains("paused");
    assertThat(imageNamed("t-off")).isEmpty();
  }

  @Test
  void a_name_that_is_taken_is_refused_before_anything_starts() {
    Shell.Output output = client("node1", "image", "build", Nodes.TINY);

    assertThat(output.exit()).isBetween(4, 5);
    assertThat(output.err()).contains("tiny.qcow2").contains("snapshots");
  }

  @Test
  void a_disk_that_is_not_there_or_not_whole_is_refused() {
    Shell.Output missing = client("node1", "image", "build", "/root/nothing.img");
    assertThat(missing.exit()).isEqualTo(3);
    assertThat(missing.err()).contains("/root/nothing.img");

    NODE1
        .exec(
            "qemu-img",
            "create",
            "-q",
            "-f",
            "qcow2",
            "-b",
            Nodes.TINY,
            "-F",
            "qcow2",
            "/root/t-overlay")
        .ok();
    Shell.Output backed = client("node1", "image", "build", "/root/t-overlay");
    assertThat(backed.exit()).isEqualTo(4);
    assertThat(backed.err()).contains("backing file");
  }

  @Test
  void export_keeps_what_is_there_and_import_checks_what_it_gets() {
    Shell.Output taken = client("node1", "image", "export", Nodes.image(), "/root/tiny.zip");
    assertThat(taken.exit()).isBetween(4, 5);

    assertThat(client("node1", "image", "import", "/root/tiny.zip").exit()).isBetween(4, 5);

    NODE1.sh("head -c 1000000 /root/tiny.zip > /root/t-cut.zip").ok();
    Shell.Output cut = client("node1", "image", "import", "/root/t-cut.zip");
    assertThat(cut.exit()).isIn(1, 4);
    assertThat(cut.err()).contains("t-cut.zip");

    assertThat(client("node1", "image", "import", Nodes.TINY).exit()).isIn(1, 4);
    assertThat(client("node1", "image", "export", "000000000000", "/root/t-x.zip").exit())
        .isEqualTo(3);
  }

  @Test
  void an_image_in_use_is_not_removed_and_stays_as_it_is() {
    String uuid = Nodes.run("in use");
    try {
      Shell.Output output = client("node1", "image", "rm", "--yes", Nodes.image());
      assertThat(output.exit()).isBetween(4, 5);
      assertThat(output.err()).contains("in use");
      assertThat(
              NODE1.exec("stat", "-c", "%a %U:%G", "/var/nephele/images/tiny.qcow2/disk.raw").ok())
          .isEqualTo("444 root:root");
    } finally {
      Nodes.stop(NODE1, uuid);
    }
  }

  @Test
  void nothing_is_removed_unasked() {
    Shell.Output output = client("node1", "image", "rm", Nodes.image());

    assertThat(output.exit()).isEqualTo(4);
    assertThat(output.err()).contains("--yes");
    assertThat(imageNamed("tiny.qcow2")).isNotEmpty();
  }
}
