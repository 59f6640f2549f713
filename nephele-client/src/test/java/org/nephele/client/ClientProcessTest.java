package org.nephele.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.nephele.core.protocol.Api;
import org.nephele.core.ssh.LocalSshd;

/** The client as a process of its own, through a real sshd, to a fake agent. */
@Timeout(120)
class ClientProcessTest {
  private static LocalSshd sshd;
  private static FakeAgent agent;
  private static Path home;
  private static Path socket;

  private record Result(int code, String out, String err) {}

  @BeforeAll
  static void start() throws IOException {
    sshd = LocalSshd.start();
    home = sshd.folder().resolve("home");
    socket = sshd.folder().resolve("agent.sock");
    agent = new FakeAgent(socket);
    Path ssh = Files.createDirectories(home.resolve(".ssh"));
    Files.copy(sshd.knownHosts(), ssh.resolve("known_hosts"));
    Files.writeString(
        ssh.resolve("config"),
        "Host node1\n  HostName 127.0.0.1\n  Port %d\n  User %s\n  IdentityFile %s\n"
            .formatted(sshd.port(), System.getProperty("user.name"), sshd.userKey("ed25519")));
  }

  @AfterAll
  static void stop() throws IOException {
    agent.close();
    sshd.close();
  }

  private static Process client(Path agentSocket, String... args) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-Duser.home=" + home));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add("org.nephele.client.Main");
    command.addAll(List.of(args));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("NEPHELE_AGENT_SOCKET", agentSocket.toString());
    builder.environment().remove("SSH_AUTH_SOCK");
    Process process = builder.start();
    process.getOutputStream().close();
    return process;
  }

  private static Result end(Process process) throws Exception {
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Result(process.waitFor(), out, err);
  }

  @Test
  void anAliasOfTheSshConfigurationIsAHost() throws Exception {
    Result result = end(client(socket, "node1", "ps"));

    assertThat(result.err()).isEmpty();
    assertThat(result.code()).isZero();
    assertThat(result.out()).startsWith("PID").contains("4711  shop   80,443");
  }

  @Test
  void anAgentThatDoesNotRunIsSaidSo() throws Exception {
    Result result = end(client(sshd.folder().resolve("nobody.sock"), "node1", "ps"));

    assertThat(result.code()).isEqualTo(6);
    assertThat(result.out()).isEmpty();
    assertThat(result.err())
        .startsWith("nephele-client: the agent is not running on node1")
        .contains("systemctl status nephele");
  }

  @Test
  void aHostThatNobodyKnowsIsNotTalkedTo() throws Exception {
    Result result = end(client(socket, "localhost:" + sshd.port(), "ps"));

    assertThat(result.code()).isEqualTo(6);
    assertThat(result.err()).contains("the host key of localhost:" + sshd.port() + " is unknown");
  }

  @Test
  void aWrongHostIsWrongUsage() throws Exception {
    assertThat(end(client(socket, "a b", "ps")).code()).isEqualTo(2);
  }

  @Test
  void anInterruptedClientSaysHowToComeBackAndExitsWith130() throws Exception {
    agent.end = FakeAgent.done(Api.STOP, new Api.Vm("shop"));
    agent.silent = true;
    try {
      Process process = client(socket, "node1", "stop", "shop");
      for (int i = 0; i < 600 && agent.calls.stream().noneMatch(FakeAgent::isWatch); i++) {
        Thread.sleep(50);
      }
      LocalSshd.run("kill", "-INT", String.valueOf(process.pid()));

      assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
      Result result = end(process);
      assertThat(result.code()).isEqualTo(130);
      assertThat(result.err())
          .isEqualTo(
              "nephele-client: operation 7f3a goes on; follow it with  nephele-client node1"
                  + " operation watch 7f3a  or stop it with  nephele-client node1 operation"
                  + " cancel 7f3a\n");
      assertThat(agent.calls).noneMatch(call -> call.startsWith(Api.OPERATION_CANCEL));
    } finally {
      agent.silent = false;
    }
  }
}
