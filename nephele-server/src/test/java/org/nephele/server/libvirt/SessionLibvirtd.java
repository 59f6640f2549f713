package org.nephele.server.libvirt;

import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.Settings;

/**
 * A second, real libvirtd as the destination of a migration: the session daemon of the user nobody,
 * with all its files in one folder.
 */
final class SessionLibvirtd implements AutoCloseable {
  private static final Path DAEMON = Path.of("/usr/sbin/libvirtd");

  private final Path socket;
  private final ProcessBuilder builder;
  private final Hypervisor hypervisor;
  private Process process;

  private SessionLibvirtd(Path socket, ProcessBuilder builder, Hypervisor hypervisor) {
    this.socket = socket;
    this.builder = builder;
    this.hypervisor = hypervisor;
  }

  /**
   * @param folder gets the daemon's files; somebody else's to remove
   */
  static SessionLibvirtd start(Path folder) throws IOException, NepheleException {
    assumeThat(DAEMON).as("package libvirt-daemon").isExecutable();
    Path home = Files.createDirectory(folder.resolve("d"));
    Files.createDirectories(home.resolve("libvirt"));
    // Nodes with the same UUID refuse to migrate to each other.
    Files.writeString(
        home.resolve("libvirt/libvirtd.conf"), "host_uuid = \"" + UUID.randomUUID() + "\"\n");
    Files.writeString(home.resolve("libvirt/qemu.conf"), "stdio_handler = \"file\"\n");
    for (Path path : new Path[] {home, home.resolve("libvirt")}) {
      Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxrwxrwx"));
    }
    ProcessBuilder builder =
        new ProcessBuilder(
            "setpriv",
            "--reuid=nobody",
            "--regid=nogroup",
            "--clear-groups",
            DAEMON.toString(),
            "--config",
            home.resolve("libvirt/libvirtd.conf").toString());
    builder.environment().put("HOME", home.toString());
    for (String kind : new String[] {"RUNTIME_DIR", "CONFIG_HOME", "CACHE_HOME", "DATA_HOME"}) {
      builder.environment().put("XDG_" + kind, home.toString());
    }
    builder.redirectErrorStream(true).redirectOutput(home.resolve("log").toFile());
    Path socket = home.resolve("libvirt/libvirt-sock");
    Settings defaults = Settings.defaults();
    Settings settings =
        new Settings(
            Settings.Accelerator.TCG,
            defaults.emulator(),
            defaults.cpuModel(),
            defaults.machine(),
            defaults.forwardAddress(),
            "qemu+unix:///session?socket=" + socket,
            defaults.nodeKey());
    SessionLibvirtd daemon = new SessionLibvirtd(socket, builder, Hypervisor.open(settings));
    daemon.begin();
    return daemon;
  }

  /** Starts the daemon; VMs that an earlier one left go on under it. */
  void begin() throws IOException {
    Files.deleteIfExists(socket);
    process = builder.start();
    await().atMost(Duration.ofSeconds(20)).until(() -> Files.exists(socket));
  }

  /** Ends the daemon, and no VM. */
  void end() throws InterruptedException {
    process.destroy();
    if (!process.waitFor(10, TimeUnit.SECONDS)) {
      process.destroyForcibly().waitFor();
    }
  }

  String uri() {
    return "qemu+unix:///session?socket=" + socket;
  }

  Hypervisor hypervisor() {
    return hypervisor;
  }

  @Override
  public void close() throws NepheleException {
    for (Vm vm : hypervisor.list()) {
      vm.destroy();
    }
    hypervisor.close();
    try {
      end();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
