package org.nephele.server.instance;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.nephele.core.format.FormatException;
import org.nephele.core.format.SnapshotManifest;
import org.nephele.core.format.SnapshotZip;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.image.Image;
import org.nephele.server.image.Images;
import org.nephele.server.libvirt.Disk;
import org.nephele.server.libvirt.DomainXml;
import org.nephele.server.libvirt.Hypervisor;
import org.nephele.server.libvirt.Mark;
import org.nephele.server.libvirt.Vm;
import org.nephele.server.operation.Operations;
import org.nephele.server.operation.Work;
import org.nephele.server.snapshot.DiskDelta;
import org.nephele.server.snapshot.MemoryDelta;
import org.nephele.server.snapshot.Snapshots;
import org.nephele.server.store.QemuImg;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code run}: makes an instance from a snapshot, which goes on exactly where it was paused.
 * Thread-safe.
 */
public final class RunInstance {
  private static final Logger log = LoggerFactory.getLogger(RunInstance.class);

  private final Images images;
  private final Snapshots snapshots;
  private final Instances instances;
  private final Hypervisor hypervisor;
  private final Operations operations;
  private final String node;

  /**
   * @param node this node's name, for people
   */
  public RunInstance(
      Images images,
      Snapshots snapshots,
      Instances instances,
      Hypervisor hypervisor,
      Operations operations,
      String node) {
    this.images = images;
    this.snapshots = snapshots;
    this.instances = instances;
    this.hypervisor = hypervisor;
    this.operations = operations;
    this.node = node;
  }

  /**
   * Checks everything that can be checked before a VM exists, takes the ports, and starts the rest.
   *
   * @return the operation's id; it ends with {@link Api.Instance}
   */
  public String start(Api.Run request) throws NepheleException, IOException {
    DomainXml.checkTitle(request.title() == null ? "" : request.title());
    List<Integer> ports = request.ports() == null ? List.of() : request.ports();
    Ports.check(ports);
    Path path = snapshots.find(request.snapshot());
    Image image;
    try (SnapshotZip zip = snapshots.open(path)) {
      image = image(path, zip.manifest());
    }
    if (!ports.isEmpty() && !DomainXml.read(image.domain()).forwardable()) {
      throw new NepheleException(
          ErrorKind.REFUSED,
          "Ports can't be forwarded to an instance of "
              + image.name()
              + ": its network is a bridge, where it has an address of its own. Run it without"
              + " -p.");
    }
    NewInstance fresh =
        instances.prepare(
            new InstanceRecord(
                InstanceRecord.VERSION,
                UUID.randomUUID(),
                request.title(),
                path.toString(),
                image.id(),
                image.name(),
                image.content(),
                ports,
                hypervisor.settings().forwardAddress(),
                Instant.now().truncatedTo(ChronoUnit.SECONDS).toString(),
                InstanceRecord.State.STARTING),
            image);
    try {
      return operations.start(
          Api.RUN,
          request.title(),
          work -> {
            try (fresh) {
              return run(work, fresh, path, image);
            } catch (FormatException e) {
              throw snapshots.damaged(path, e);
            }
          });
    } catch (NepheleException | RuntimeException e) {
      fresh.close();
      throw e;
    }
  }

  private Image image(Path path, SnapshotManifest manifest) throws NepheleException, IOException {
    Optional<Image> found = images.findByContent(manifest.imageContent());
    if (found.isPresent()) {
      try {
        manifest.checkAgainst(found.get().manifest());
      } catch (FormatException e) {
        throw snapshots.damaged(path, e);
      }
      return found.get();
    }
    List<Image> sameDisk = images.findById(manifest.imageId());
    throw new NepheleException(
        ErrorKind.NOT_FOUND,
        "The snapshot "
            + path
            + " belongs to image "
            + manifest.imageName()
            + " ("
            + manifest.imageId()
            + "), which is not on "
            + node
            + (sameDisk.isEmpty()
                ? ""
                : " ("
                    + Images.names(sameDisk)
                    + " has the same disk, but not the same memory: it was built another time)")
            + ". Bring it from a node that has it: 'image export "
            + manifest.imageId()
            + " FILE' there, copy FILE, 'image import FILE' here.");
  }

  private Api.Instance run(Work work, NewInstance fresh, Path path, Image image)
      throws NepheleException, IOException {
    Instance instance = fresh.instance();
    InstanceRecord record = instance.record();
    DomainXml xml =
        DomainXml.read(image.domain())
            .forInstance(
                new DomainXml.Identity(
                    record.uuid(),
                    record.title(),
                    new Mark(
                        Mark.Role.INSTANCE,
                        Map.of("image", image.content(), "snapshot", path.toString()))),
                new Disk.Overlay(instance.disk(), image.disk()),
                instance.console(),
                hypervisor.settings());
    Vm vm;
    try (SnapshotZip zip = snapshots.open(path)) {
      zip.manifest().checkAgainst(image.manifest());
      work.phase("disk");
      QemuImg.createOverlay(work, instance.disk(), image.disk());
      DiskDelta.apply(work, zip.disk(), instance.disk(), image.manifest().disk().bytes());
      work.phase("memory");
      vm = MemoryDelta.restore(work, hypervisor, xml, image, zip);
    }
    try {
      for (int port : record.ports()) {
        vm.addForward(record.forwardAddress(), port);
      }
      work.checkCancelled();
      vm.resume();
      fresh.commit();
    } catch (NepheleException | IOException | RuntimeException e) {
      vm.destroy();
      throw e;
    }
    work.phase("clock");
    return view(vm, record, clockSet(vm));
  }

  private Boolean clockSet(Vm vm) {
    try {
      return vm.setGuestTime();
    } catch (NepheleException e) {
      log.warn("The clock of {} was not set: {}", vm.name(), e.getMessage());
      return false;
    }
  }

  private Api.Instance view(Vm vm, InstanceRecord record, Boolean clockSet)
      throws NepheleException {
    return new Api.Instance(
        vm.pid(),
        record.title(),
        record.ports(),
        record.uuid().toString(),
        record.snapshot(),
        node,
        record.started(),
        "running",
        null,
        clockSet);
  }
}
