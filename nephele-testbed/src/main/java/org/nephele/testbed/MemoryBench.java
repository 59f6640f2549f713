package org.nephele.testbed;

import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import org.nephele.core.qemu.CapturedState;
import org.nephele.core.qemu.DeviceState;
import org.nephele.core.qemu.MemoryFile;
import org.nephele.core.qemu.RestoreStream;
import org.nephele.core.qemu.StreamFeatures;
import org.nephele.server.Settings;
import org.nephele.server.libvirt.Capture;
import org.nephele.server.libvirt.Disk;
import org.nephele.server.libvirt.DomainXml;
import org.nephele.server.libvirt.Hypervisor;
import org.nephele.server.libvirt.Mark;
import org.nephele.server.libvirt.Restore;
import org.nephele.server.libvirt.Vm;

/**
 * Measures, on a node, how fast a VM's memory gets out of QEMU and into it, beside what QEMU itself
 * moves through a unix socket whose other end throws everything away. {@code ./bench memory} runs
 * it. The VM is left paused.
 */
final class MemoryBench {
  private static final int ROUNDS = 9;
  private static final Path WORK = Path.of("/var/nephele/tmp/bench");

  private final Hypervisor hypervisor;
  private final Vm vm;

  private MemoryBench(Hypervisor hypervisor, Vm vm) {
    this.hypervisor = hypervisor;
    this.vm = vm;
  }

  /** One transfer: bytes of QEMU's stream, and seconds. */
  private record Sample(long bytes, double seconds) {
    double megabytesPerSecond() {
      return bytes / seconds / 1e6;
    }
  }

  public static void main(String[] arguments) throws Exception {
    try (Hypervisor hypervisor = Hypervisor.open(Settings.read(Settings.FILE))) {
      Vm vm = hypervisor.find(UUID.fromString(arguments[0])).orElseThrow();
      new MemoryBench(hypervisor, vm).measure();
    }
  }

  private void measure() throws Exception {
    vm.suspend();
    Files.createDirectories(WORK);
    List<Sample> away = new ArrayList<>();
    List<Sample> captured = new ArrayList<>();
    List<Sample> restored = new ArrayList<>();
    for (int round = 0; round < ROUNDS; round++) {
      away.add(throwAway());
      captured.add(capture());
      restored.add(restore());
    }
    double best = median(away);
    print("QEMU to nowhere", away, best);
    print("capture to a file", captured, best);
    print("restore from a file", restored, best);
  }

  /** QEMU captures a VM once, until it has run again. */
  private void runABit() throws Exception {
    vm.resume();
    Thread.sleep(200);
    vm.suspend();
  }

  private Sample throwAway() throws Exception {
    runABit();
    ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 20);
    long[] bytes = new long[1];
    long[] nanos = new long[1];
    new Capture(vm)
        .run(
            stream -> {
              long begin = System.nanoTime();
              for (int n = 0; n >= 0; n = stream.read(buffer.clear())) {
                bytes[0] += n;
              }
              nanos[0] = System.nanoTime() - begin;
            });
    return new Sample(bytes[0], nanos[0] / 1e9);
  }

  private Sample capture() throws Exception {
    runABit();
    Path memory = WORK.resolve("memory.raw");
    Files.deleteIfExists(memory);
    DomainXml xml = vm.captureXml();
    long[] nanos = new long[1];
    new Capture(vm)
        .run(
            stream -> {
              long begin = System.nanoTime();
              DeviceState state =
                  CapturedState.read(
                      stream,
                      StreamFeatures.NONE,
                      memory,
                      xml.memoryKib() * 1024 + (1L << 30),
                      (done, total) -> {});
              Files.write(WORK.resolve("device.state"), state.toBytes());
              nanos[0] = System.nanoTime() - begin;
            });
    return new Sample(lastStream(), nanos[0] / 1e9);
  }

  /** A stream of the same VM in the same state is always as long. */
  private long lastStream() throws Exception {
    return vm.qmp("query-migrate", null).path("ram").path("transferred").asLong();
  }

  private Sample restore() throws Exception {
    DeviceState state = DeviceState.parse(Files.readAllBytes(WORK.resolve("device.state")));
    DomainXml captured = vm.captureXml();
    Disk.Overlay disk = (Disk.Overlay) vm.xml().disk();
    Path overlay = WORK.resolve("overlay.qcow2");
    Files.deleteIfExists(overlay);
    Process made =
        new ProcessBuilder(
                "qemu-img",
                "create",
                "-q",
                "-f",
                "qcow2",
                "-F",
                "raw",
                "-b",
                disk.backing().toString(),
                overlay.toString())
            .inheritIO()
            .start();
    if (made.waitFor() != 0) {
      throw new IllegalStateException("qemu-img failed");
    }
    DomainXml xml =
        captured.forInstance(
            new DomainXml.Identity(
                UUID.randomUUID(), "bench", new Mark(Mark.Role.SNAPSHOT_BUILD, Map.of())),
            new Disk.Overlay(overlay, disk.backing()),
            WORK.resolve("console.log"),
            hypervisor.settings());
    long[] begin = new long[1];
    long[] bytes = new long[1];
    try (FileChannel memory = FileChannel.open(WORK.resolve("memory.raw"))) {
      Vm other =
          new Restore(hypervisor, xml)
              .run(
                  stream -> {
                    begin[0] = System.nanoTime();
                    bytes[0] =
                        RestoreStream.write(
                            stream,
                            state,
                            new MemoryFile(memory, state.layout()),
                            RestoreStream.ZeroPages.SKIP_IN_FRESH_MEMORY,
                            (done, total) -> {});
                  });
      long nanos = System.nanoTime() - begin[0];
      other.destroy();
      return new Sample(bytes[0], nanos / 1e9);
    }
  }

  private static double median(List<Sample> samples) {
    List<Double> rates = new ArrayList<>(samples.stream().map(Sample::megabytesPerSecond).toList());
    Collections.sort(rates);
    return rates.get(rates.size() / 2);
  }

  private static void print(String what, List<Sample> samples, double best) {
    double median = median(samples);
    System.out.printf(
        Locale.ROOT,
        "%-20s %6.1f MB %8.0f MB/s %5.0f %%   (%s)%n",
        what,
        samples.get(0).bytes() / 1e6,
        median,
        100 * median / best,
        String.join(
            ", ",
            samples.stream()
                .map(sample -> String.format(Locale.ROOT, "%.2f s", sample.seconds()))
                .toList()));
  }
}
