package org.nephele.server.handoff;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import org.nephele.core.handoff.Plan;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.image.Image;
import org.nephele.server.instance.InstanceRecord;
import org.nephele.server.instance.Ports;
import org.nephele.server.libvirt.Capabilities;

/**
 * Whether this node can take an instance: everything that can be known before anything starts, each
 * with its sentence. Thread-safe, changes nothing.
 */
final class Acceptance {
  private static final int MOST_TITLE = 64 << 10;
  private static final int MOST_PORTS = 1000;

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
    checkHardware(plan, here);
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

  /** The other agent's word is not taken for anything that gets into a file name or a command. */
  private UUID checkForm(Plan plan) throws NepheleException {
    try {
      UUID uuid = UUID.fromString(plan.uuid());
      Instant.parse(plan.started());
      if (uuid.toString().equals(plan.uuid())
          && plan.title() != null
          && plan.title().length() <= MOST_TITLE
          && plan.snapshot() != null
          && plan.ports().size() <= MOST_PORTS
          && plan.image() != null
          && plan.image().content() != null
          && plan.hardware() != null
          && plan.hardware().machine() != null
          && plan.hardware().accelerator() != null
          && plan.hardware().cpuModel() != null
          && plan.sourceHostUuid() != null) {
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

  private void checkHardware(Plan plan, Capabilities here) throws NepheleException {
    Plan.Hardware needs = plan.hardware();
    if (needs.accelerator().toUpperCase(Locale.ROOT).equals("KVM") && !here.kvmUsable()) {
      throw refused(plan, "it runs with KVM, which can't be used there");
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
    if (!needs.cpuModel().isEmpty() && !here.cpuModels().contains(needs.cpuModel())) {
      throw refused(plan, "its CPU model " + needs.cpuModel() + " can't be had there");
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
