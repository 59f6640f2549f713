package org.nephele.core.ssh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;

class SshConfigTest {
  @TempDir Path folder;

  private SshConfig read(String text, String host) throws IOException, NepheleException {
    Path file = Files.writeString(folder.resolve("config"), text);
    return SshConfig.read(List.of(folder.resolve("missing"), file), host);
  }

  @Test
  void theFirstValueOfAMatchingHostWins() throws Exception {
    SshConfig config =
        read(
            """
            # nodes
            Host edge* !edge9
              HostName %h.example.org
              Port = 2222
              IdentityFile "~/.ssh/my key"
              IdentityFile=/root/other

            Host *
              User admin
              Port 22
              ForwardAgent yes
            """,
            "edge1");

    assertThat(config.hostName()).isEqualTo("edge1.example.org");
    assertThat(config.port()).contains(2222);
    assertThat(config.user()).contains("admin");
    assertThat(config.identityFiles())
        .containsExactly(
            Path.of(System.getProperty("user.home"), ".ssh/my key"), Path.of("/root/other"));
  }

  @Test
  void whatIsForOtherHostsIsNotTaken() throws Exception {
    SshConfig config = read("Host edge* !edge9\n Port 2222\nMatch host other\n User x\n", "edge9");

    assertThat(config.hostName()).isEqualTo("edge9");
    assertThat(config.port()).isEmpty();
    assertThat(config.user()).isEmpty();
    assertThat(config.identityFiles()).isEmpty();
    assertThat(config.identitiesOnly()).isFalse();
  }

  @Test
  void matchHostSeesTheNameThatWasSetBefore() throws Exception {
    SshConfig config =
        read(
            """
            Host a
              HostName real
            Match host real originalhost a
              User matched
            Match all
              HostKeyAlias alias
            """,
            "a");

    assertThat(config.user()).contains("matched");
    assertThat(config.hostKeyAlias()).contains("alias");
  }

  @Test
  void includesAreReadWhereTheyStandAndOnlyForTheirHost() throws Exception {
    Files.createDirectory(folder.resolve("conf.d"));
    Files.writeString(folder.resolve("conf.d/b"), "User second\n");
    Files.writeString(folder.resolve("conf.d/a"), "Host x\n User first\nHost y\n Port 1\n");
    String text = "Host x\n Include conf.d/*\nHost z\n Include nowhere/*\n";

    assertThat(read(text, "x").user()).contains("first");
    assertThat(read(text, "x").port()).isEmpty();
    assertThat(read(text, "z").user()).isEmpty();
  }

  @Test
  void aFileThatIncludesItselfIsAnError() {
    assertThatThrownBy(() -> read("Include config\n", "x")).hasMessageContaining("nested deeper");
  }

  @Test
  void theAgentAndTheKnownHostsCanBeElsewhere() throws Exception {
    Optional<Path> usual = Optional.of(Path.of("/run/agent"));
    List<Path> files = List.of(Path.of("/home/known_hosts"), Path.of("/etc/known_hosts"));

    assertThat(read("IdentityAgent none\n", "x").agentSocket(usual)).isEmpty();
    assertThat(read("IdentityAgent /a\n", "x").agentSocket(usual)).contains(Path.of("/a"));
    assertThat(read("", "x").agentSocket(usual)).isEqualTo(usual);
    assertThat(read("UserKnownHostsFile /a /b\n", "x").knownHosts(files))
        .containsExactly(Path.of("/a"), Path.of("/b"), Path.of("/etc/known_hosts"));
    assertThat(read("", "x").knownHosts(files)).isEqualTo(files);
  }

  @Test
  void aJumpHostIsRefusedWithTheLineThatWantsIt() throws Exception {
    SshConfig config = read("Host edge1\n  ProxyJump gate\n", "edge1");

    assertThatThrownBy(config::refuseUnsupported)
        .isInstanceOfSatisfying(
            NepheleException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.USAGE))
        .hasMessageContaining("config line 2")
        .hasMessageContaining("gate");
    read("ProxyJump none\n", "edge1").refuseUnsupported();
  }

  @ParameterizedTest
  @ValueSource(strings = {"Port x", "Port 0", "Port 65536", "Port 99999999999"})
  void aWrongPortIsAnError(String line) throws Exception {
    SshConfig config = read(line + "\n", "x");
    assertThatThrownBy(config::port).hasMessageContaining("config line 1");
  }

  @ParameterizedTest
  @ValueSource(strings = {"Match exec true", "Match user root", "Match host", "HostName"})
  void whatIsNotUnderstoodIsAnErrorAndNotPassedOver(String line) {
    assertThatThrownBy(() -> read(line + "\n", "x"))
        .isInstanceOf(NepheleException.class)
        .hasMessageContaining("config line 1");
  }
}
