package org.nephele.server.libvirt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.nephele.core.qemu.MissedPages;
import org.nephele.core.qemu.QemuStreamHandler;
import org.nephele.core.qemu.QemuStreamReader;
import org.nephele.core.qemu.RamBlock;
import org.nephele.core.qemu.StreamEvent;
import org.nephele.core.qemu.StreamFeatures;
import org.nephele.server.Settings.Accelerator;

/**
 * Real libvirt and QEMU, without a libvirtd. Needs root and the packages that EmbeddedLibvirt
 * names.
 */
@Timeout(120)
class HypervisorTest {
  private static EmbeddedLibvirt libvirt;
  private static Hypervisor hypervisor;

  @BeforeAll
  static void open() throws Exception {
    libvirt = EmbeddedLibvirt.shared();
    hypervisor = libvirt.hypervisor();
  }

  @AfterEach
  void noVmIsLeft() throws Exception {
    for (Vm vm : hypervisor.list()) {
      vm.destroy();
    }
  }

  private static Vm counting(String title) throws Exception {
    Vm vm = hypervisor.start(libvirt.countingVm(title), false);
    await()
        .atMost(Duration.ofSeconds(30))
        .until(() -> Files.readString(vm.xml().console().orElseThrow()).contains("t\n"));
    return vm;
  }

  private static Path captured(Vm vm) throws Exception {
    Path file = libvirt.folder().resolve(vm.uuid() + ".state");
    new Capture(vm)
        .run(
            stream -> {
              try (FileChannel out =
                  FileChannel.open(
                      file,
                      java.nio.file.StandardOpenOption.CREATE,
                      java.nio.file.StandardOpenOption.WRITE)) {
                Channels.newInputStream(stream).transferTo(Channels.newOutputStream(out));
              }
            });
    return file;
  }

  private static Restore.StreamWriter from(Path file) {
    return stream -> {
      try (FileChannel in = FileChannel.open(file)) {
        Channels.newInputStream(in).transferTo(Channels.newOutputStream(stream));
      }
    };
  }

  @Test
  void capabilitiesTellWhatTheNodeCanDo() throws Exception {
    Capabilities capabilities = hypervisor.capabilities();

    assertThat(capabilities.libvirtVersion()).matches("\\d+\\.\\d+\\.\\d+");
    assertThat(capabilities.qemuVersion()).matches("\\d+\\.\\d+.*");
    assertThat(capabilities.accelerator()).isEqualTo(Accelerator.TCG);
    assertThat(capabilities.emulator()).isExecutable();
    assertThat(capabilities.machines()).contains("pc", "q35");
    assertThat(capabilities.cpuModels()).contains("Westmere");
  }

  @Test
  void aVmIsStartedFoundPausedResumedAndDestroyed() throws Exception {
    String title = "a \"title\" with <b>, & and 雲 " + "x".repeat(10_000);

    Vm vm = counting(title);

    assertThat(vm.state().run()).isEqualTo(VmState.Run.RUNNING);
    assertThat(vm.xml().title()).isEqualTo(title);
    assertThat(vm.xml().mark()).isPresent();
    assertThat(hypervisor.list()).extracting(Vm::uuid).containsExactly(vm.uuid());
    assertThat(hypervisor.find(vm.uuid())).isPresent();
    assertThat(hypervisor.find(UUID.randomUUID())).isEmpty();
    assertThat(ProcessHandle.of(vm.pid())).isPresent();
    assertThat(vm.domainFolder()).isDirectory();

    vm.suspend();
    assertThat(vm.state().pausedByUser()).isTrue();
    vm.suspend();
    long count = EmbeddedLibvirt.count(vm);
    assertThat(count).isPositive();
    vm.resume();
    vm.resume();
    await().until(() -> EmbeddedLibvirt.count(vm) > count);

    vm.destroy();
    vm.destroy();
    assertThat(vm.state()).isEqualTo(VmState.GONE);
    assertThat(hypervisor.list()).isEmpty();
    assertThatThrownBy(vm::xml)
        .isInstanceOfSatisfying(
            NepheleException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.NOT_FOUND));
  }

  @Test
  void eventsTellWhatHappened() throws Exception {
    List<VmEvent> events = new CopyOnWriteArrayList<>();
    try (Hypervisor.Subscription subscription = hypervisor.listen(events::add)) {
      assertThat(subscription).isNotNull();
      Vm vm = hypervisor.start(libvirt.countingVm("x"), false);
      vm.suspend();
      vm.resume();
      vm.destroy();

      UUID id = vm.uuid();
      await()
          .untilAsserted(
              () ->
                  assertThat(events)
                      .contains(
                          new VmEvent.Started(id),
                          new VmEvent.Suspended(id, VmState.Reason.USER),
                          new VmEvent.Resumed(id),
                          new VmEvent.Stopped(id, VmEvent.StopReason.DESTROYED)));
    }
  }

  @Test
  void libvirtsOwnReasonIsInTheError() throws Exception {
    DomainXml broken =
        DomainXml.parse(libvirt.countingVm("x").toString().replace("Westmere", "NoSuchCpu"));

    assertThatThrownBy(() -> hypervisor.start(broken, false))
        .isInstanceOf(NepheleException.class)
        .hasMessageContaining("NoSuchCpu");
    assertThat(hypervisor.list()).isEmpty();
  }

  @Test
  void theMonitorsReasonIsInTheError() throws Exception {
    Vm vm = counting("x");

    assertThatThrownBy(() -> vm.qmp("no-such-command", null))
        .isInstanceOf(NepheleException.class)
        .hasMessageContaining("no-such-command has not been found");
    assertThat(vm.setGuestTime()).as("no agent in this guest").isFalse();
  }

  @Test
  void portsAreForwardedAndGivenBack() throws Exception {
    Vm vm = counting("x");
    int port;
    try (ServerSocket taken = new ServerSocket(0)) {
      port = taken.getLocalPort();
      assertThatThrownBy(() -> vm.addForward("0.0.0.0", port))
          .isInstanceOfSatisfying(
              NepheleException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.BUSY))
          .hasMessageContaining("" + port);
    }

    vm.suspend();
    vm.addForward("127.0.0.1", port);
    assertThat(vm.forwards()).containsExactly(new Vm.Forward("127.0.0.1", port, port));

    vm.removeForward("127.0.0.1", port);
    assertThat(vm.forwards()).isEmpty();
    assertThatThrownBy(() -> vm.removeForward("127.0.0.1", port))
        .isInstanceOf(NepheleException.class);
    assertThatThrownBy(() -> vm.addForward("1.2.3.4\nquit", port))
        .isInstanceOf(NepheleException.class);
  }

  @Test
  void capturedStateGoesOnWhereItWas() throws Exception {
    Vm original = counting("original");
    original.suspend();
    long count = EmbeddedLibvirt.count(original);

    Path state = captured(original);
    DomainXml xml = original.captureXml();
    Path disk = original.xml().disk().file();

    assertThat(original.state().pausedByUser()).isTrue();
    assertThat(EmbeddedLibvirt.count(original)).isEqualTo(count);
    assertThat(xml.unsupported()).isEmpty();
    try (var files = Files.list(original.domainFolder())) {
      assertThat(files).noneMatch(file -> file.getFileName().toString().startsWith("nephele"));
    }
    original.destroy();

    Files.setPosixFilePermissions(disk, PosixFilePermissions.fromString("r--r--r--"));
    Files.setAttribute(disk, "unix:uid", 0);
    for (String title : List.of("first", "second")) {
      UUID uuid = UUID.randomUUID();
      DomainXml instance =
          xml.forInstance(
              libvirt.identity(uuid, title),
              libvirt.overlayOf(disk),
              libvirt.console(uuid),
              hypervisor.settings());

      Vm restored = new Restore(hypervisor, instance).run(from(state));

      assertThat(restored.state().pausedByUser()).isTrue();
      assertThat(EmbeddedLibvirt.count(restored)).isEqualTo(count);
      assertThat(Files.getAttribute(disk, "unix:uid")).as("the image's owner").isEqualTo(0);
      restored.resume();
      await().until(() -> EmbeddedLibvirt.count(restored) > count);
      await().until(() -> Files.size(restored.xml().console().orElseThrow()) > 0);

      // and a restored one can be captured again
      restored.suspend();
      captured(restored);
      assertThat(restored.captureXml().unsupported()).isEmpty();
      assertThat(restored.xml().title()).isEqualTo(title);
    }
  }

  @Test
  void theMemoryOfTheProcessIsWhatQemuSends() throws Exception {
    Vm vm = counting("x");
    vm.suspend();
    try (QemuMemory memory = QemuMemory.open(vm)) {
      MissedPages exact = new MissedPages(memory, new Nothing());
      MissedPages forgetful = new MissedPages(memory, new Nothing());

      new Capture(vm)
          .run(
              stream ->
                  new QemuStreamReader(stream, StreamFeatures.NONE, both(exact, forgetful))
                      .readAll());

      assertThat(exact.compared()).isEqualTo((64 << 20) / 4096);
      assertThat(exact.added()).isZero();
      assertThat(forgetful.added()).isEqualTo(1);
    }
  }

  /** The second one gets all but the page with the count. */
  private static QemuStreamHandler both(QemuStreamHandler all, QemuStreamHandler forgetful) {
    return new Nothing() {
      @Override
      public void event(StreamEvent event) throws IOException {
        all.event(event);
        forgetful.event(event);
      }

      @Override
      public void zeroPage(RamBlock block, long offset, boolean continued, byte fill)
          throws IOException {
        all.zeroPage(block, offset, continued, fill);
        forgetful.zeroPage(block, offset, continued, fill);
      }

      @Override
      public void page(RamBlock block, long offset, boolean continued, ByteBuffer page)
          throws IOException {
        all.page(block, offset, continued, page.duplicate());
        if (offset != 0x8000 || !block.name().equals("pc.ram")) {
          forgetful.page(block, offset, continued, page);
        }
      }
    };
  }

  private static class Nothing implements QemuStreamHandler {
    @Override
    public void event(StreamEvent event) throws IOException {}

    @Override
    public void zeroPage(RamBlock block, long offset, boolean continued, byte fill)
        throws IOException {}

    @Override
    public void page(RamBlock block, long offset, boolean continued, ByteBuffer page)
        throws IOException {}

    @Override
    public void opaque(ByteBuffer bytes) throws IOException {}
  }

  @Test
  void aCapturedVmGoesOnWhenItIsResumed() throws Exception {
    Vm vm = counting("x");
    vm.suspend();
    long count = EmbeddedLibvirt.count(vm);
    captured(vm);

    vm.resume();

    await().until(() -> EmbeddedLibvirt.count(vm) > count);
  }

  @Test
  void aRunningVmIsNotCaptured() throws Exception {
    Vm vm = counting("x");

    assertThatThrownBy(() -> captured(vm))
        .isInstanceOfSatisfying(
            NepheleException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.REFUSED));
    assertThat(vm.state().run()).isEqualTo(VmState.Run.RUNNING);
  }

  @Test
  void aCaptureIsRefusedWhenSomebodyResumesTheVm() throws Exception {
    Vm vm = counting("x");
    vm.suspend();

    Capture capture = new Capture(vm);
    capture.run(stream -> Channels.newInputStream(stream).transferTo(nowhere()));
    capture.verify();
    vm.resume();
    vm.suspend();

    assertThatThrownBy(capture::verify)
        .isInstanceOfSatisfying(
            NepheleException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.REFUSED));
    // and it can be captured anew
    captured(vm);
  }

  @Test
  void aCancelledCaptureLeavesTheVmPausedAndWell() throws Exception {
    Vm vm = counting("x");
    vm.suspend();
    long count = EmbeddedLibvirt.count(vm);
    Capture capture = new Capture(vm);
    CountDownLatch begun = new CountDownLatch(1);
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    Thread running =
        new Thread(
            () -> {
              try {
                capture.run(
                    stream -> {
                      begun.countDown();
                      while (stream.read(ByteBuffer.allocate(16)) >= 0) {
                        sleep(10); // a reader that is far too slow
                      }
                    });
              } catch (NepheleException e) {
                thrown.set(e);
              }
            });
    running.start();
    begun.await();

    capture.cancel();

    running.join(10_000);
    assertThat(thrown.get())
        .isInstanceOfSatisfying(
            NepheleException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.CANCELLED));
    assertThat(vm.state().pausedByUser()).isTrue();
    captured(vm);
    vm.resume();
    await().until(() -> EmbeddedLibvirt.count(vm) > count);
  }

  @Test
  void aReadersFailureEndsTheCaptureOnly() throws Exception {
    Vm vm = counting("x");
    vm.suspend();

    assertThatThrownBy(
            () ->
                new Capture(vm)
                    .run(
                        stream -> {
                          throw new IOException("the disk is full");
                        }))
        .isInstanceOf(NepheleException.class)
        .hasMessageContaining("the disk is full");

    assertThat(vm.state().pausedByUser()).isTrue();
    captured(vm);
  }

  @Test
  void aBrokenStateIsRefusedWithTheReasonAndNothingIsLeft() throws Exception {
    Vm original = counting("x");
    original.suspend();
    Path state = captured(original);
    DomainXml xml = original.captureXml();
    Path disk = original.xml().disk().file();
    original.destroy();
    byte[] bytes = Files.readAllBytes(state);
    for (byte[] broken : List.of(new byte[100], java.util.Arrays.copyOf(bytes, bytes.length / 2))) {
      DomainXml instance =
          xml.forInstance(
              libvirt.identity(UUID.randomUUID(), "broken"),
              libvirt.overlayOf(disk),
              libvirt.console(UUID.randomUUID()),
              hypervisor.settings());

      assertThatThrownBy(
              () ->
                  new Restore(hypervisor, instance)
                      .run(stream -> writeAll(stream, ByteBuffer.wrap(broken))))
          .isInstanceOf(NepheleException.class)
          .hasMessageContaining("'broken' can't be restored")
          .hasMessageContaining("QEMU's log");
      assertThat(hypervisor.list()).isEmpty();
    }
  }

  @Test
  void aCancelledRestoreLeavesNothing() throws Exception {
    Vm original = counting("x");
    original.suspend();
    DomainXml xml = original.captureXml();
    Path disk = original.xml().disk().file();
    original.destroy();
    DomainXml instance =
        xml.forInstance(
            libvirt.identity(UUID.randomUUID(), "slow"),
            libvirt.overlayOf(disk),
            libvirt.console(UUID.randomUUID()),
            hypervisor.settings());
    Restore restore = new Restore(hypervisor, instance);

    assertThatThrownBy(
            () ->
                restore.run(
                    stream -> {
                      restore.cancel();
                      writeAll(stream, ByteBuffer.allocate(1));
                    }))
        .isInstanceOfSatisfying(
            NepheleException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.CANCELLED));
    assertThat(hypervisor.list()).isEmpty();
  }

  private static void writeAll(SocketChannel stream, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      stream.write(bytes);
    }
  }

  private static java.io.OutputStream nowhere() {
    return java.io.OutputStream.nullOutputStream();
  }

  private static void sleep(long ms) {
    Hypervisor.pause(ms);
  }
}
