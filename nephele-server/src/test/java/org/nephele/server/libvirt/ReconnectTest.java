package org.nephele.server.libvirt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.Settings.Accelerator;

/** The agent outlives libvirtd's restarts. */
@Timeout(240)
class ReconnectTest {
  private Path folder;
  private SessionLibvirtd libvirtd;

  @BeforeEach
  void start() throws Exception {
    folder = EmbeddedLibvirt.shortFolder();
    libvirtd = SessionLibvirtd.start(folder);
  }

  @AfterEach
  void end() throws Exception {
    if (libvirtd != null) {
      libvirtd.close();
    }
    EmbeddedLibvirt.delete(folder);
  }

  private DomainXml idleVm() throws Exception {
    Path disk = Files.write(folder.resolve("disk.raw"), new byte[1 << 20]);
    Files.setPosixFilePermissions(disk, PosixFilePermissions.fromString("rw-rw-rw-"));
    UUID uuid = UUID.randomUUID();
    return DomainXml.read(Path.of("src/dist/etc/nephele/VM_TEMPLATE.xml"))
        .forBuild(
            new DomainXml.Identity(uuid, "idle", new Mark(Mark.Role.INSTANCE, Map.of())),
            new Disk.Raw(disk),
            folder.resolve("d").resolve(uuid + ".console"),
            1,
            64L << 10,
            Accelerator.TCG,
            libvirtd.hypervisor().settings());
  }

  @Test
  void callsAndListenersGoOnAfterARestart() throws Exception {
    Hypervisor hypervisor = libvirtd.hypervisor();
    List<VmEvent> events = new CopyOnWriteArrayList<>();
    try (Hypervisor.Subscription subscription = hypervisor.listen(events::add)) {
      assertThat(subscription).isNotNull();
      Vm vm = hypervisor.start(idleVm(), true);

      libvirtd.end();
      assertThatThrownBy(vm::state)
          .isInstanceOf(NepheleException.class)
          .hasMessageContaining("libvirt can't be reached");
      libvirtd.begin();

      // libvirtd takes up the VMs that it finds in the background
      await()
          .atMost(Duration.ofSeconds(60))
          .ignoreExceptions()
          .until(() -> vm.state().run() == VmState.Run.PAUSED);
      assertThat(hypervisor.list()).extracting(Vm::uuid).containsExactly(vm.uuid());
      await().untilAsserted(() -> assertThat(events).contains(new VmEvent.Reconnected()));
      vm.destroy();
      await()
          .untilAsserted(
              () ->
                  assertThat(events)
                      .contains(new VmEvent.Stopped(vm.uuid(), VmEvent.StopReason.DESTROYED)));
    }
  }
}
