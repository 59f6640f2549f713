package org.nephele.server.snapshot;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.nephele.core.format.SnapshotManifest;
import org.nephele.core.format.SnapshotZip;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.image.Build;
import org.nephele.server.image.Builds;
import org.nephele.server.image.Captured;
import org.nephele.server.image.Image;
import org.nephele.server.image.Images;
import org.nephele.server.image.PauseRule;
import org.nephele.server.libvirt.Disk;
import org.nephele.server.libvirt.DomainXml;
import org.nephele.server.libvirt.Hypervisor;
import org.nephele.server.libvirt.Mark;
import org.nephele.server.libvirt.Vm;
import org.nephele.server.operation.Operations;
import org.nephele.server.operation.Work;
import org.nephele.server.store.NewFile;
import org.nephele.server.store.QemuImg;
import org.nephele.server.store.Store;
import org.nephele.server.store.WorkFolder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code snapshot build}: resumes an image, waits until somebody pauses the VM, and keeps what has
 * changed. Thread-safe.
 */
public final class BuildSnapshot {
  private static final Logger log = LoggerFactory.getLogger(BuildSnapshot.class);

  private final Store store;
  private final Images images;
  private final Snapshots snapshots;
  private final Builds builds;
  private final Hypervisor hypervisor;
  private final Operations operations;

  public BuildSnapshot(
      Store store,
      Images images,
      Snapshots snapshots,
      Builds builds,
      Hypervisor hypervisor,
      Operations operations) {
    this.store = store;
    this.images = images;
    this.snapshots = snapshots;
    this.builds = builds;
    this.hypervisor = hypervisor;
    this.operations = operations;
  }

  /**
   * Checks what can be checked at once, and starts the rest.
   *
   * @return the operation's id; it ends with {@link Api.Snapshot}
   */
  public String start(Api.SnapshotBuild request) throws NepheleException, IOException {
    Image image = images.find(request.image());
    Path dest = snapshots.destination(request.dest());
    if (request.title() != null) {
      DomainXml.checkTitle(request.title());
    }
    PauseRule rule = PauseRule.of(request.pauseWhen(), request.pauseAfterMs());
    if (rule.when().isPresent() && !DomainXml.read(image.domain()).hasConsole()) {
      throw new NepheleException(
          ErrorKind.REFUSED,
          "The VM can't be paused when its console says something: the image "
              + image.name()
              + " has no serial console.");
    }
    Images.Hold reserved = snapshots.reserve(dest);
    try {
      Images.Hold hold = images.use(image, "the build of snapshot " + dest);
      try {
        return operations.start(
            Api.SNAPSHOT_BUILD,
            dest.toString(),
            work -> {
              try (reserved;
                  hold) {
                return build(work, image, dest, request.title(), rule);
              }
            });
      } catch (NepheleException | RuntimeException e) {
        hold.close();
        throw e;
      }
    } catch (NepheleException | RuntimeException e) {
      reserved.close();
      throw e;
    }
  }

  private Api.Snapshot build(Work work, Image image, Path dest, String title, PauseRule rule)
      throws NepheleException, IOException {
    try (WorkFolder folder = store.work("snapshot")) {
      Path part = folder.beside(dest);
      NewFile.probe(part);
      Path overlay = folder.file("disk.qcow2");
      Path console = folder.file("console.log");
      DomainXml xml =
          DomainXml.read(image.domain())
              .forInstance(
                  new DomainXml.Identity(
                      UUID.randomUUID(),
                      title,
                      new Mark(Mark.Role.SNAPSHOT_BUILD, Map.of("snapshot", dest.toString()))),
                  new Disk.Overlay(overlay, image.disk()),
                  console,
                  hypervisor.settings());
      QemuImg.createOverlay(work, overlay, image.disk());
      final Captured captured;
      try (Build build = builds.begin(work, xml, "the snapshot " + dest.getFileName())) {
        work.phase("restoring");
        Vm vm = MemoryDelta.restore(work, hypervisor, xml, image);
        long started = System.nanoTime();
        vm.resume();
        if (!vm.setGuestTime()) {
          log.info("'{}' has no guest agent that could set its clock", xml.title());
        }
        captured =
            build.capture(
                vm,
                rule,
                console,
                started,
                folder.path(),
                found -> MemoryDelta.requireSameBlocks(image, found));
      }
      return snapshots.keep(
          work,
          folder,
          part,
          dest,
          file -> {
            SnapshotManifest manifest = write(work, image, overlay, xml.title(), captured, file);
            return new Api.Snapshot(
                dest.toString(), image.id(), manifest.created(), Files.size(file));
          });
    }
  }

  private static SnapshotManifest write(
      Work work, Image image, Path overlay, String title, Captured captured, Path part)
      throws NepheleException, IOException {
    SnapshotManifest manifest =
        new SnapshotManifest(
            title,
            Instant.now().truncatedTo(ChronoUnit.SECONDS).toString(),
            image.id(),
            image.name(),
            image.content(),
            image.manifest().disk().bytes(),
            image.manifest().memory().bytes(),
            captured.machine());
    byte[] state = Files.readAllBytes(captured.deviceState());
    List<QemuImg.Range> ranges = QemuImg.changes(work, overlay);
    SnapshotZip.Counts counts;
    try {
      counts =
          SnapshotZip.write(
              part,
              manifest,
              state,
              delta -> DiskDelta.write(work, image.disk(), overlay, ranges, delta),
              delta -> MemoryDelta.write(work, image.memory(), captured.memory(), delta));
    } catch (IOException e) {
      work.checkCancelled();
      throw e;
    }
    NewFile.restrict(part);
    log.info("The delta against {} has, in pages of 4096 bytes, {}", image.name(), counts);
    return manifest;
  }
}
