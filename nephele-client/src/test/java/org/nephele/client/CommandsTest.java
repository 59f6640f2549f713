package org.nephele.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.TimeZone;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.ErrorKind;

/** What the commands send, print and exit with, against a fake agent and without SSH. */
@Timeout(30)
class CommandsTest {
  @TempDir Path folder;

  private FakeAgent agent;
  private TimeZone zone;

  private record Result(int code, String out, String err) {}

  @BeforeEach
  void start() throws IOException {
    agent = new FakeAgent(folder.resolve("agent.sock"));
    zone = TimeZone.getDefault();
    TimeZone.setDefault(TimeZone.getTimeZone("Europe/Berlin"));
  }

  @AfterEach
  void stop() throws IOException {
    agent.close();
    TimeZone.setDefault(zone);
  }

  private Result run(String... args) {
    return runOn("", false, args);
  }

  private Result runOnTerminal(String typed, String... args) {
    return runOn(typed, true, args);
  }

  private Result runOn(String typed, boolean terminal, String... args) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    Console console =
        new Console(
            new ByteArrayInputStream(typed.getBytes(StandardCharsets.UTF_8)),
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8),
            terminal,
            terminal,
            terminal,
            100);
    int code = Main.run(args, console, agent.connector());
    return new Result(
        code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "-h", "--help", "node1 -h"})
  void helpListsTheCommands(String args) {
    Result result = run(args.isEmpty() ? new String[0] : args.split(" "));

    assertThat(result.out())
        .startsWith("usage: nephele-client [-h] host {")
        .contains("Manage VMs across cloudlets.")
        .contains("  host                  Execute commands on specified remote host.")
        .contains("    handoff             Handoff a running instance to another nephele node")
        .contains("    image               Management of base VM images")
        .contains("    images              List base images tracked by nephele")
        .contains("    ps                  List running nephele instances")
        .contains("    run                 Instantiate a VM from an existing snapshot")
        .contains("    snapshot            Management of VM snapshots")
        .contains("    snapshots           List snapshots known to nephele");
    assertThat(result.code()).isEqualTo(args.isEmpty() ? 2 : 0);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "node1",
        "node1 unknown",
        "-x node1 ps",
        "node1 ps more",
        "node1 image",
        "node1 image unknown",
        "node1 image build",
        "node1 image build -c 0 /a",
        "node1 image build -m x /a",
        "node1 image build --pause-when ( /a",
        "node1 image build --pause-after soon /a",
        "node1 snapshot build -d id dest",
        "node1 snapshot build -z id dest",
        "node1 run -d snap title",
        "node1 run -p 80,80 snap title",
        "node1 run -p 0 snap title",
        "node1 run -p 80, snap title",
        "node1 run -p 65536 snap title",
      })
  void wrongWordsAreRefusedBeforeAnythingIsSent(String args) {
    Result result = run(args.split(" "));

    assertThat(result.code()).isEqualTo(2);
    assertThat(result.out()).isEmpty();
    assertThat(result.err()).startsWith("nephele-client: ");
    assertThat(agent.calls).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"images", "image ls"})
  void images(String args) {
    Result result = run(("node1 " + args).split(" "));

    assertThat(result)
        .isEqualTo(
            new Result(
                0,
                """
                IMAGE ID            NAME (/var/nephele/images/)                        SOURCE
                edbe05049453        win10.qcow2                                        /root/win10_base.zip
                ee4720c0ca33        Win7.img                                           /root/win7horizon.zip
                """,
                ""));
    assertThat(agent.calls.get(0))
        .matches("hello \\{\"client\":\"nephele-client\",\"version\":\".*\",\"protocol\":1\\}");
    assertThat(agent.calls.get(1)).isEqualTo("image.list {}");
  }

  @ParameterizedTest
  @ValueSource(strings = {"snapshots", "snapshot ls"})
  void snapshots(String args) {
    Result result = run(("node1 " + args).split(" "));

    assertThat(result.out())
        .isEqualTo(
            """
            SNAPSHOT                                           IMAGE ID            CREATED
            /var/nephele/snapshots/webserver.zip               edbe05049453        2026-03-01 14:05:09
            """);
  }

  @Test
  void ps() {
    agent.instances =
        List.of(
            FakeAgent.instance("shop", List.of(80, 443), null),
            FakeAgent.instance("mail", List.of(), "ssh://node2"));

    Result result = run("node1", "ps");

    assertThat(result.out().lines().map(l -> l.split(" {2,}")))
        .containsExactly(
            new String[] {"PID", "TITLE", "PORTS", "UUID", "STARTED", "HANDOFFURL"},
            new String[] {"4711", "shop", "80,443", FakeAgent.UUID, "2026-03-01 14:05:09", "None"},
            new String[] {
              "4711", "mail", "None", FakeAgent.UUID, "2026-03-01 14:05:09", "ssh://node2"
            });
  }

  @Test
  void psNotesLostInstancesOnStderr() {
    agent.lost =
        List.of(new Api.LostInstance("sh\u001bop", FakeAgent.UUID, "/var/nephele/x/disk.qcow2"));

    Result result = run("node1", "ps");

    assertThat(result.out()).hasLineCount(2).startsWith("PID");
    assertThat(result.err())
        .isEqualTo(
            "The instance sh\\x1bop ["
                + FakeAgent.UUID
                + "] was lost when its node or QEMU went down. Its disk is kept:"
                + " /var/nephele/x/disk.qcow2; 'stop --force "
                + FakeAgent.UUID
                + "' removes it.\n");
    assertThat(result.code()).isZero();
  }

  @Test
  void aHostMayBeCalledAsACommand() {
    assertThat(run("ps", "ps").code()).isZero();
  }

  @Test
  void hostileTitlesDoNotReachTheTerminal() {
    String title = "a\u001b[2Jb\nc\u202ed\u0085\u2028" + "x".repeat(10_000);
    agent.instances = List.of(FakeAgent.instance(title, List.of(), null));

    String piped = run("node1", "ps").out();
    String shown = runOnTerminal("", "node1", "ps").out();

    assertThat(piped)
        .contains("a\\x1b[2Jb\\nc\\u202ed\\x85\\u2028" + "x".repeat(10_000))
        .doesNotContain("\u001b", "\u202e", "\u0085", "\u2028")
        .hasLineCount(2);
    assertThat(shown.lines()).allSatisfy(line -> assertThat(line.length()).isLessThan(130));
    assertThat(shown).contains("a\\x1b[2Jb\\n").contains("…").contains(FakeAgent.UUID);
  }

  @Test
  void runFollowsItsOperationAndPrintsTheInstance() {
    agent.end = FakeAgent.done(Api.RUN, FakeAgent.instance("Büro <&>", List.of(80, 443), null));
    agent.progress =
        List.of(
            new Api.Progress("reading", 1_000_000, 4_000_000, "bytes", null),
            new Api.Progress("reading", 2_000_000, 4_000_000, "bytes", null),
            new Api.Progress("resuming", 0, 0, null, "waiting for QEMU"));

    Result result = run("node1", "run", "-p", "80,443", "webserver", "@Büro <&>");

    assertThat(result.code()).isZero();
    assertThat(result.out().lines().map(l -> l.split(" {2,}")))
        .containsExactly(
            new String[] {"HOST", "TITLE", "SNAPSHOT", "FWDPORTS"},
            new String[] {"node1", "Büro <&>", "/var/nephele/snapshots/webserver.zip", "80,443"});
    assertThat(result.err())
        .startsWith("reading 25 % of 4.0 MB\nresuming: waiting for QEMU\n")
        .contains("clock is behind");
    assertThat(agent.calls.get(1))
        .isEqualTo("run {\"snapshot\":\"webserver\",\"title\":\"@Büro <&>\",\"ports\":[80,443]}");
    assertThat(agent.calls.get(2)).isEqualTo("operation.watch {\"operation\":\"7f3a\"}");
  }

  @Test
  void onATerminalProgressIsOneLineThatIsWrittenAnew() {
    agent.end = FakeAgent.done(Api.STOP, new Api.Vm("shop"));
    agent.progress =
        List.of(
            new Api.Progress("waiting", 1, 4, "pages", "a longer line"),
            new Api.Progress("waiting", 2, 4, "pages", null));

    Result result = runOnTerminal("", "node1", "stop", "shop");

    assertThat(result.err())
        .startsWith("\rwaiting 25 % of 4 pages: a longer line\rwaiting 50 % of 4 pages   ")
        .endsWith("\rStopped shop\n");
    assertThat(agent.calls.get(1)).isEqualTo("vm.stop {\"vm\":\"shop\",\"force\":false}");
  }

  @Test
  void handoffSaysWhatBeganAndHowItEnded() {
    agent.end =
        FakeAgent.done(
            Api.HANDOFF,
            new Api.HandoffDone(
                "shop", FakeAgent.UUID, "node2", 12.345, 340, 16_812_345, 12_345, true));

    Result result = run("node1", "handoff", "shop", "node2");

    assertThat(result)
        .isEqualTo(
            new Result(
                0,
                "Handoff initiated for shop ["
                    + FakeAgent.UUID
                    + "] to the following destination: ssh://node2\n"
                    + "Handoff done in 12.3 s: shop runs at node2; downtime 340 ms, 16.8 MB sent,"
                    + " 12.3 kB received\n",
                ""));
    assertThat(agent.calls.get(1))
        .isEqualTo("handoff {\"instance\":\"shop\",\"destination\":\"node2\"}");
  }

  @Test
  void aFailedHandoffHasItsOwnExitCode() {
    agent.end =
        FakeAgent.failed(
            Api.HANDOFF, "failed", ErrorKind.HANDOFF_FAILED, "node2 went away; shop runs on here");

    Result result = run("node1", "handoff", "shop", "node2");

    assertThat(result.code()).isEqualTo(7);
    assertThat(result.err()).isEqualTo("nephele-client: node2 went away; shop runs on here\n");
  }

  @Test
  void imageBuildSendsWhatWasSaid() {
    agent.end = FakeAgent.done(Api.IMAGE_BUILD, FakeAgent.images().get(0));

    Result result =
        run(
            "node1",
            "image",
            "build",
            "-t",
            "my \"vm\"",
            "-c",
            "2",
            "-m",
            "1048576",
            "--pause-when",
            "login:",
            "--pause-after",
            "2m",
            "/root/win10.qcow2");

    assertThat(result.code()).isZero();
    assertThat(result.out()).contains("edbe05049453        win10.qcow2");
    assertThat(agent.calls.get(1))
        .isEqualTo(
            "image.build {\"path\":\"/root/win10.qcow2\",\"title\":\"my \\\"vm\\\"\",\"vcpus\":2,"
                + "\"memoryKib\":1048576,\"pauseWhen\":\"login:\",\"pauseAfterMs\":120000}");
  }

  @Test
  void snapshotBuildTellsHowToEndIt() {
    agent.end = FakeAgent.done(Api.SNAPSHOT_BUILD, FakeAgent.snapshot());

    Result result = run("node1", "snapshot", "build", FakeAgent.IMAGE, "webserver");

    assertThat(result.err()).contains("nephele-client node1 pause TITLE");
    assertThat(result.out()).contains("/var/nephele/snapshots/webserver.zip");
    assertThat(agent.calls.get(1))
        .isEqualTo("snapshot.build {\"image\":\"edbe05049453\",\"dest\":\"webserver\"}");
  }

  @Test
  void exportAndImport() {
    agent.end = FakeAgent.done(Api.IMAGE_EXPORT, new Api.Exported("/root/gold.zip", 123_456_789));
    assertThat(run("node1", "image", "export", FakeAgent.IMAGE, "/root/gold.zip").out())
        .isEqualTo("/root/gold.zip (123.5 MB)\n");

    agent.end = FakeAgent.done(Api.IMAGE_IMPORT, FakeAgent.images().get(0));
    assertThat(run("node1", "image", "import", "/root/gold.zip").out()).contains("edbe05049453");
    assertThat(agent.calls).contains("image.import {\"path\":\"/root/gold.zip\"}");
  }

  @Test
  void imageRmAsksTwice() {
    Result yes = runOnTerminal("y\nyes\n", "node1", "image", "rm", FakeAgent.IMAGE);
    assertThat(yes.code()).isZero();
    assertThat(yes.err()).contains("Removed image edbe05049453 (win10.qcow2)");
    assertThat(agent.calls).contains("image.remove {\"image\":\"edbe05049453\"}");

    agent.calls.clear();
    assertThat(runOnTerminal("y\nno\n", "node1", "image", "rm", FakeAgent.IMAGE).code())
        .isEqualTo(8);
    assertThat(runOnTerminal("y\n", "node1", "image", "rm", FakeAgent.IMAGE).code()).isEqualTo(8);
    Result script = run("node1", "image", "rm", FakeAgent.IMAGE);
    assertThat(script.code()).isEqualTo(4);
    assertThat(script.err()).contains("say --yes");
    assertThat(agent.calls).noneMatch(call -> call.startsWith("image.remove"));

    assertThat(run("node1", "image", "rm", "--yes", FakeAgent.IMAGE).code()).isZero();
  }

  @Test
  void pauseFreezeThaw() {
    assertThat(run("node1", "pause", "shop").err())
        .isEqualTo("Paused shop [" + FakeAgent.UUID + "]\n");
    assertThat(run("node1", "freeze", "shop").err()).startsWith("Frozen shop");
    assertThat(run("node1", "thaw", "shop").err()).startsWith("Thawed shop");
    Result unknown = run("node1", "pause", "unknown");
    assertThat(unknown.code()).isEqualTo(3);
    assertThat(unknown.err()).isEqualTo("nephele-client: there is no such VM\n");
  }

  @Test
  void operations() {
    agent.end =
        FakeAgent.failed(Api.RUN, "cancelled", ErrorKind.CANCELLED, "somebody\u001b cancelled it");

    assertThat(run("node1", "operation", "ls").out())
        .contains("7f3a  run   shop    cancelled  2026-03-01 14:05:09  somebody\\x1b cancelled it");
    assertThat(run("node1", "operation", "cancel", "7f3a").err())
        .isEqualTo("Asked run shop to stop; it is cancelled\n");
    Result watched = run("node1", "operation", "watch", "7f3a");
    assertThat(watched.code()).isEqualTo(8);
    assertThat(watched.err()).isEqualTo("nephele-client: somebody\\x1b cancelled it\n");
  }

  @Test
  void anAgentOfAnotherVersionIsRefused() {
    agent.protocol = 2;

    Result result = run("node1", "ps");

    assertThat(result.code()).isEqualTo(9);
    assertThat(result.err()).contains("version 2 of the protocol");
  }

  @Test
  void aConnectionThatIsLostMeanwhileLeavesTheWayBack() {
    agent.hangUp = true;

    Result result = run("node1", "stop", "shop");

    assertThat(result.code()).isEqualTo(6);
    assertThat(result.err())
        .contains("connection to the agent on node1 was lost")
        .contains("nephele-client node1 operation watch 7f3a");
  }

  @Test
  void theHelpOfACommandNamesItsArguments() {
    Result result = run("node1", "image", "build", "-h");

    assertThat(result.code()).isZero();
    assertThat(result.out()).startsWith("Usage: nephele-client HOST image build ");
    Matcher matcher = Pattern.compile("-[tcm], --(title|cpu|mem)").matcher(result.out());
    assertThat(matcher.results().count()).isEqualTo(3);
  }
}
