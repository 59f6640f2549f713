package org.nephele.server.handoff;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import org.nephele.core.handoff.Plan;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.Settings.Accelerator;
import org.nephele.server.image.Image;
import org.nephele.server.instance.Instance;
import org.nephele.server.instance.InstanceRecord;
import org.nephele.server.instance.Ports;
import org.nephele.server.libvirt.Arrival;
import org.nephele.server.libvirt.Capabilities;
import org.nephele.server.libvirt.Disk;
import org.nephele.server.libvirt.DomainXml;

/**
 * Whether this node can take an instance: everything that can be known before anything starts, each
 * with its sentence. Thread-safe, changes nothing.
 */
final class Acceptance {
  private static final int MOST_PORTS = 1000;

  /** A path. */
  private static final int MOST_SNAPSHOT = 4096;

  /** Any other name or number; much longer than each of them. */
  private static final int MOST_WORD = 255;

  /** Left over for everything else on the file system of the overlays. */
  private static final long SPARE_BYTES = 64 << 20;

  private final Context context;
  private final Path store;

  /**
   * @param store where overlays lie
   */
  Acceptance(Context context, Path store) {
    this.context = context;
    this.store = store;
  }

  /**
   * What the instance will be here.
   *
   * @param image of this node, with the same content
   */
  record Accepted(InstanceRecord record, Image image) {}

  /**
   * @throws NepheleException with the reason why not
   */
  Accepted check(Plan plan) throws NepheleException, IOException {
    UUID uuid = checkForm(plan);
    Capabilities here = context.hypervisor().capabilities();
    if (here.hostUuid().toString().equals(plan.sourceHostUuid())) {
      throw refused(
          plan,
          "it is on this node already: a handoff goes to another node (or two nodes have the"
              + " same host UUID in libvirt, see host_uuid in /etc/libvirt/libvirtd.conf)");
    }
    if (context.hypervisor().find(uuid).isPresent()) {
      throw new NepheleException(
          ErrorKind.BUSY,
          "There is a domain with the UUID " + uuid + " on " + context.node() + " already.");
    }
    Image image = image(plan);
    checkHardware(plan, here, image);
    checkSpace(plan);
    InstanceRecord record =
        new InstanceRecord(
            0,
            uuid,
            plan.title(),
            plan.snapshot(),
            image.id(),
            image.name(),
            image.content(),
            plan.ports(),
            context.settings().forwardAddress(),
            plan.started(),
            InstanceRecord.State.ARRIVING);
    return new Accepted(record, image);
  }

  /** What may come, and nothing else. */
  static Arrival arrival(Context context, Plan plan, Instance instance, Image image)
      throws NepheleException {
    Plan.Hardware hardware = plan.hardware();
    return new Arrival(
        instance.uuid(),
        new Disk.Overlay(instance.disk(), image.disk()),
        instance.console(),
        context.hypervisor().capabilities().emulator(),
        Accelerator.valueOf(hardware.accelerator()),
        hardware.machine(),
        hardware.cpuModel(),
        hardware.vcpus(),
        hardware.memoryKib(),
        DomainXml.read(image.domain()));
  }

  /** The other agent's word is not taken for anything that gets into a file name or a command. */
  private UUID checkForm(Plan plan) throws NepheleException {
    try {
      UUID uuid = UUID.fromString(plan.uuid());
      Instant.parse(plan.started());
      if (uuid.toString().equals(plan.uuid())
          && plan.snapshot().length() <= MOST_SNAPSHOT
          && plan.ports().size() <= MOST_PORTS
          && Stream.of(
                  plan.started(),
                  plan.image().id(),
                  plan.image().name(),
                  plan.image().content(),
                  plan.hardware().accelerator(),
                  plan.hardware().machine(),
                  plan.hardware().cpuModel(),
                  plan.hardware().qemuVersion(),
                  plan.sourceNode(),
                  plan.sourceHostUuid())
              .allMatch(word -> word.length() <= MOST_WORD)
          && plan.hardware().vcpus() > 0
          && plan.hardware().memoryKib() > 0
          && plan.hardware().diskBytes() > 0
          && plan.hardware().overlayBytes() >= 0
          && plan.hardware().overlayBytes() < Long.MAX_VALUE - SPARE_BYTES) {
        Accelerator.valueOf(plan.hardware().accelerator());
        DomainXml.checkTitle(plan.title());
        Ports.check(plan.ports());
        return uuid;
      }
    } catch (IllegalArgumentException | DateTimeParseException | NullPointerException e) {
      throw new NepheleException(
          ErrorKind.INCOMPATIBLE, "The source's plan can't be read: " + e.getMessage() + ".", e);
    }
    throw new NepheleException(ErrorKind.INCOMPATIBLE, "The source's plan is not complete.");
  }

  private Image image(Plan plan) throws NepheleException, IOException {
    Plan.Image wanted = plan.image();
    Optional<Image> same = context.images().findByContent(wanted.content());
    if (same.isPresent()) {
      return same.get();
    }
    String bring =
        " Bring the right one there: 'image export "
            + wanted.id()
            + " FILE' on the source, copy the file, 'image import FILE' on "
            + context.node()
            + ".";
    for (Image image : context.images().list()) {
      if (image.id().equals(wanted.id())) {
        throw new NepheleException(
            ErrorKind.REFUSED,
            "The image "
                + image.name()
                + " on "
                + context.node()
                + " has the same disk ("
                + wanted.id()
                + ") and another memory than the one that the instance was made from."
                + bring);
      }
    }
    for (Image image : context.images().list()) {
      if (image.name().equals(wanted.name())) {
        throw new NepheleException(
            ErrorKind.REFUSED,
            "The image called "
                + image.name()
                + " on "
                + context.node()
                + " is another one ("
                + image.id()
                + ") than the instance was made from ("
                + wanted.id()
                + ")."
                + bring);
      }
    }
    throw new NepheleException(
        ErrorKind.NOT_FOUND,
        context.node()
            + " does not have the image "
            + wanted.id()
            + " ("
            + wanted.name()
            + ") that the instance was made from."
            + bring);
  }

  private void checkHardware(Plan plan, Capabilities here, Image image) throws NepheleException {
    Plan.Hardware needs = plan.hardware();
    Accelerator accelerator = Accelerator.valueOf(needs.accelerator());
    if (accelerator == Accelerator.KVM && !here.kvmUsable()) {
      throw refused(plan, "it runs with KVM, which can't be used there");
    }
    if (needs.diskBytes() != image.manifest().disk().bytes()) {
      throw refused(plan, "its disk has another size than its image's");
    }
    if (!here.machines().contains(needs.machine())) {
      throw refused(
          plan,
          "its machine type "
              + needs.machine()
              + " is not known to QEMU "
              + here.qemuVersion()
              + " there (the source has "
              + needs.qemuVersion()
              + "): the destination needs the same QEMU or a later one, or the instance's image an"
              + " older machine type");
    }
    if (!needs.cpuModel().isEmpty()
        && !context.hypervisor().cpuModels(accelerator).contains(needs.cpuModel())) {
      throw refused(
          plan,
          "its CPU model "
              + needs.cpuModel()
              + " can't be had there with "
              + (accelerator == Accelerator.KVM ? "KVM" : "QEMU's emulation (TCG)"));
    }
  }

  private void checkSpace(Plan plan) throws NepheleException, IOException {
    long free = Files.getFileStore(store).getUsableSpace();
    long needed = plan.hardware().overlayBytes() + SPARE_BYTES;
    if (free < needed) {
      throw refused(
          plan,
          String.format(
              Locale.ROOT,
              "its disk needs %d MB below %s, and there are %d MB",
              needed >> 20,
              store,
              free >> 20));
    }
  }

  private NepheleException refused(Plan plan, String why) {
    return new NepheleException(
        ErrorKind.REFUSED,
        context.node() + " can't take the instance '" + plan.title() + "': " + why + ".");
  }
}
