package org.nephele.server.image;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.nephele.core.format.ImageZip;
import org.nephele.core.format.Machine;
import org.nephele.core.protocol.NepheleException;
import org.nephele.core.qemu.CapturedState;
import org.nephele.core.qemu.DeviceState;
import org.nephele.core.qemu.StreamFeatures;
import org.nephele.server.libvirt.Capture;
import org.nephele.server.libvirt.DomainXml;
import org.nephele.server.libvirt.Hypervisor;
import org.nephele.server.libvirt.Vm;
import org.nephele.server.operation.Work;

/** Takes memory and device state out of a paused VM, into files. For one thread. */
public final class StateCapture {
  /** Video memory and ROMs; bytes. */
  private static final long MOST_BESIDE_RAM = 1L << 30;

  private final Work work;
  private final Hypervisor hypervisor;
  private final Vm vm;

  public StateCapture(Work work, Hypervisor hypervisor, Vm vm) {
    this.work = work;
    this.hypervisor = hypervisor;
    this.vm = vm;
  }

  /**
   * Writes {@link ImageZip#MEMORY} and {@link ImageZip#DEVICE_STATE}, replacing what is there. The
   * VM is left paused.
   *
   * @throws NepheleException REFUSED when somebody let the VM run
   */
  public Captured take(Path folder) throws NepheleException, IOException {
    Path memory = folder.resolve(ImageZip.MEMORY);
    Path deviceState = folder.resolve(ImageZip.DEVICE_STATE);
    Files.deleteIfExists(memory);
    DomainXml xml = vm.captureXml();
    Machine machine =
        new Machine(
            xml.machine(),
            xml.cpuModel(),
            hypervisor.capabilities().qemuVersion(),
            xml.vcpus(),
            xml.memoryKib());
    Capture capture = new Capture(vm);
    Work.Registration hook = work.onCancel(capture::cancel);
    try {
      capture.run(
          stream -> {
            DeviceState state =
                CapturedState.read(
                    stream,
                    StreamFeatures.NONE,
                    memory,
                    xml.memoryKib() * 1024 + MOST_BESIDE_RAM,
                    (done, total) -> work.progress("capturing", done, total, "bytes"));
            Files.write(deviceState, state.toBytes());
          });
    } finally {
      hook.close();
    }
    return new Captured(memory, deviceState, xml.toString(), machine);
  }
}
