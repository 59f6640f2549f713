package org.nephele.server.libvirt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;

/** From libvirt's driver in this process to a real libvirtd. */
@Timeout(240)
class MigrationTest {
  private static EmbeddedLibvirt source;
  private static SessionLibvirtd destination;
  private static Path folder;

  @BeforeAll
  static void open() throws Exception {
    source = EmbeddedLibvirt.shared();
    folder = EmbeddedLibvirt.shortFolder();
    destination = SessionLibvirtd.start(folder);
  }

  @AfterAll
  static void close() throws Exception {
    if (destination != null) {
      destination.close();
      EmbeddedLibvirt.delete(folder);
    }
  }

  @AfterEach
  void noVmIsLeft() throws Exception {
    for (Vm vm : destination.hypervisor().list()) {
      vm.destroy();
    }
    for (Vm vm : source.hypervisor().list()) {
      vm.destroy();
    }
  }

  /** A running VM on an overlay. */
  private static Vm running(String title) throws Exception {
    DomainXml built = source.countingVm(title);
    Path raw = built.disk().file();
    DomainXml xml =
        DomainXml.read(Path.of("src/dist/etc/nephele/VM_TEMPLATE.xml"))
            .forBuild(
                source.identity(built.uuid(), title),
                source.overlayOf(raw),
                source.console(built.uuid()),
                1,
                64L << 10,
                built.accelerator(),
                source.hypervisor().settings());
    Vm vm = source.hypervisor().start(xml, false);
    await().atMost(Duration.ofSeconds(30)).until(() -> EmbeddedLibvirt.count(vm) > 0);
    return vm;
  }

  private static Migration migration(Vm vm, String cpu) throws Exception {
    Path folder = Files.createTempDirectory(source.folder(), "m");
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
    Path raw = ((Disk.Overlay) vm.xml().disk()).backing();
    Files.setPosixFilePermissions(raw, PosixFilePermissions.fromString("r--r--r--"));
    Disk.Overlay overlay = source.overlayOf(raw);
    Files.setPosixFilePermissions(overlay.file(), PosixFilePermissions.fromString("rw-rw-rw-"));
    DomainXml there =
        vm.migratableXml()
            .forDestination(
                overlay, folder.resolve("console"), destination.hypervisor().settings());
    return new Migration(
        vm,
        new Migration.Target(
            destination.uri(),
            "unix://" + folder.resolve("q"),
            "unix://" + folder.resolve("n"),
            DomainXml.parse(there.toString().replace("Westmere", cpu)),
            true));
  }

  private static CompletableFuture<Void> inBackground(Migration migration) {
    return CompletableFuture.runAsync(
        () -> {
          try {
            migration.run();
          } catch (NepheleException e) {
            throw new IllegalStateException(e);
          }
        });
  }

  @Test
  void aVmArrivesPausedAndGoesOnThere() throws Exception {
    Vm vm = running("moving & \"quoted\"");
    Migration migration = migration(vm, "Westmere");
    assertThat(migration.stats()).isEmpty();

    migration.run();

    assertThat(vm.state()).isEqualTo(VmState.GONE);
    Vm arrived = destination.hypervisor().find(vm.uuid()).orElseThrow();
    assertThat(arrived.state().pausedByUser()).isTrue();
    assertThat(arrived.xml().title()).isEqualTo("moving & \"quoted\"");
    assertThat(arrived.xml().mark()).isPresent();
    long count = EmbeddedLibvirt.count(arrived);
    assertThat(count).isPositive();
    arrived.resume();
    await().until(() -> EmbeddedLibvirt.count(arrived) > count);
    assertThat(migration.stats()).isEmpty();
  }

  @Test
  void anAbortedOneRunsOnHere() throws Exception {
    Vm vm = running("staying");
    Migration migration = migration(vm, "Westmere");
    // So slow that there is time to look.
    vm.qmp("migrate-set-parameters", Vm.arguments().put("max-bandwidth", 1000));
    CompletableFuture<Void> running = inBackground(migration);
    Optional<JobStats> stats = Optional.empty();
    while (stats.isEmpty() && !running.isDone()) {
      stats = migration.stats();
    }
    assertThat(stats).isPresent();
    migration.abort();

    assertThatThrownBy(() -> running.get(60, TimeUnit.SECONDS))
        .rootCause()
        .isInstanceOf(org.libvirt.LibvirtException.class);
    assertThatThrownBy(running::join)
        .cause()
        .cause()
        .isInstanceOfSatisfying(
            NepheleException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.CANCELLED));
    assertThat(vm.state().run()).isEqualTo(VmState.Run.RUNNING);
    assertThat(destination.hypervisor().list()).isEmpty();
  }

  @Test
  void libvirtsReasonForRefusingIsPassedOn() throws Exception {
    Vm vm = running("other CPU");

    assertThatThrownBy(() -> migration(vm, "Nehalem").run())
        .isInstanceOfSatisfying(
            NepheleException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.HANDOFF_FAILED))
        .hasMessageContaining("CPU");
    assertThat(vm.state().run()).isEqualTo(VmState.Run.RUNNING);
  }
}
