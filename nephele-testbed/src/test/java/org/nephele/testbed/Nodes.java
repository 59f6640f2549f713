package org.nephele.testbed;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;

/**
 * The nodes that all integration tests of a run share: node1 and node2 with Debian 12, node3 with
 * Debian 13, and the laptop. Started by the first test that needs them, ended with the JVM; {@code
 * ./verify} ends them when the JVM is killed.
 */
final class Nodes {
  static final Node NODE1 = new Node("node1");
  static final Node NODE2 = new Node("node2");
  static final Node NODE3 = new Node("node3");
  static final Node LAPTOP = new Node("laptop");

  /** The disk of the tiny guest, on every node. */
  static final String TINY = "/root/tiny.qcow2";

  private static final Pattern UUID = Pattern.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");

  private static boolean up;
  private static String image;

  private Nodes() {}

  static synchronized void up() {
    if (up) {
      return;
    }
    Path tiny = Testbed.guest("tiny");
    Testbed.down();
    Runtime.getRuntime().addShutdownHook(new Thread(Testbed::down));
    Testbed.up(3, "bookworm,bookworm,trixie");
    for (Node node : List.of(NODE1, NODE2, NODE3)) {
      Testbed.run(Duration.ofMinutes(1), "copy", tiny.toString(), node.name() + ":" + TINY).ok();
    }
    up = true;
  }

  /** Runs the client on the laptop. */
  static Shell.Output client(String... arguments) {
    return LAPTOP.exec(Duration.ofMinutes(4), clientWords(arguments));
  }

  static String[] clientWords(String... arguments) {
    List<String> words = new ArrayList<>(List.of("nephele-client"));
    words.addAll(Arrays.asList(arguments));
    return words.toArray(String[]::new);
  }

  /**
   * The id of an image of the tiny guest, built on node1 and brought to the other nodes the way the
   * README says. Built once.
   */
  static synchronized String image() {
    up();
    if (image == null) {
      String out =
          client(
                  "node1",
                  "image",
                  "build",
                  "-c",
                  "1",
                  "-m",
                  "196608",
                  "--pause-when",
                  "SC1 r",
                  TINY)
              .ok();
      Matcher id = Pattern.compile("\\b[0-9a-f]{12}\\b").matcher(out);
      if (!id.find()) {
        throw new AssertionError("no image id in: " + out);
      }
      client("node1", "image", "export", id.group(), "/root/tiny.zip").ok();
      for (String node : List.of("node2", "node3")) {
        LAPTOP.exec("scp", "-q", "-3", "node1:/root/tiny.zip", node + ":/root/tiny.zip").ok();
        client(node, "image", "import", "/root/tiny.zip").ok();
      }
      image = id.group();
    }
    return image;
  }

  /** Makes a snapshot of the image on node1, and returns its name. */
  static synchronized String snapshot() {
    String id = image();
    String list = client("node1", "snapshots").ok();
    if (!list.contains("/var/nephele/snapshots/base.zip")) {
      client("node1", "snapshot", "build", "--pause-after", "2s", id, "base").ok();
    }
    return "base";
  }

  /** Runs an instance of the snapshot on node1, and returns its UUID. */
  static String run(String title, String... options) {
    String snapshot = snapshot();
    List<String> words = new ArrayList<>(List.of("node1", "run"));
    words.addAll(Arrays.asList(options));
    words.addAll(List.of(snapshot, title));
    String before = client("node1", "ps").ok();
    client(words.toArray(String[]::new)).ok();
    String after = client("node1", "ps").ok();
    List<String> fresh = uuids(after);
    fresh.removeAll(uuids(before));
    if (fresh.size() != 1) {
      throw new AssertionError("one instance more was expected:\n" + before + "\n" + after);
    }
    return fresh.get(0);
  }

  static List<String> uuids(String text) {
    List<String> found = new ArrayList<>();
    Matcher matcher = UUID.matcher(text);
    while (matcher.find()) {
      found.add(matcher.group());
    }
    return found;
  }

  /** Ends an instance, if it is there. */
  static void stop(Node node, String uuid) {
    client(node.name(), "stop", "--force", uuid);
  }

  static SelfCheck console(Node node, String uuid) {
    return SelfCheck.parse(
        node.exec("cat", "/var/nephele/instances/" + uuid + "/console.log").ok());
  }

  /** The self-check's next report from now on. */
  static SelfCheck.Line report(Node node, String uuid) {
    long before = console(node, uuid).last().map(SelfCheck.Line::sequence).orElse(0L);
    return Awaitility.await()
        .atMost(Duration.ofSeconds(90))
        .pollInterval(Duration.ofMillis(500))
        .until(
            () -> console(node, uuid).lastReport(),
            line -> line.isPresent() && line.get().sequence() > before)
        .orElseThrow();
  }

  /** A line of shell that asks the self-check behind port 80 of a node for a report. */
  static String probe(String node) {
    return "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | timeout 20 nc -q 10 " + node + " 80";
  }

  /**
   * Types a line on an instance's serial console. QEMU looks once a second whether somebody has the
   * terminal open, and reads nothing before.
   */
  static void type(Node node, String uuid, String line) {
    node.sh("(sleep 2; echo '" + line + "'; sleep 2) > $(virsh ttyconsole nephele-" + uuid + ")")
        .ok();
  }

  /** Everything on a node that a move or a failed command could leave. */
  static String leftovers(Node node) {
    return node.sh(
            "ls /var/nephele/instances /var/nephele/tmp /run/nephele-handoff 2>/dev/null;"
                + " find /run/nephele -name '*.sock'; virsh list --all --name;"
                + " pgrep -a 'qemu-(system|img|nbd)'; true")
        .ok();
  }

  static void assertNothingLeft(Node node) {
    String left =
        leftovers(node)
            .lines()
            .filter(line -> !line.isBlank() && !line.endsWith(":"))
            .filter(line -> !line.matches("/run/nephele/(agent|peer)\\.sock"))
            .reduce("", (a, b) -> a + b + "\n");
    if (!left.isEmpty()) {
      throw new AssertionError("left on " + node.name() + ":\n" + left);
    }
  }
}
