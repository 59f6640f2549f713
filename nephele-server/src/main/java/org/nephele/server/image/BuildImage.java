package org.nephele.server.image;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicLong;
import org.nephele.core.format.Content;
import org.nephele.core.format.Hasher;
import org.nephele.core.format.ImageManifest;
import org.nephele.core.format.ImageZip;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.Settings;
import org.nephele.server.libvirt.Capabilities;
import org.nephele.server.libvirt.Disk;
import org.nephele.server.libvirt.DomainXml;
import org.nephele.server.libvirt.Hypervisor;
import org.nephele.server.libvirt.Mark;
import org.nephele.server.libvirt.Vm;
import org.nephele.server.operation.Operations;
import org.nephele.server.operation.Work;
import org.nephele.server.store.QemuImg;
import org.nephele.server.store.Store;
import org.nephele.server.store.WorkFolder;

/**
 * {@code image build}: boots a disk image, waits until somebody pauses the VM, and keeps its disk,
 * memory and device state. Thread-safe.
 */
public final class BuildImage {
  private final Store store;
  private final Images images;
  private final Builds builds;
  private final Hypervisor hypervisor;
  private final Operations operations;
  private final Path template;

  /**
   * @param template the node's VM template, read at each build
   */
  public BuildImage(
      Store store,
      Images images,
      Builds builds,
      Hypervisor hypervisor,
      Operations operations,
      Path template) {
    this.store = store;
    this.images = images;
    this.builds = builds;
    this.hypervisor = hypervisor;
    this.operations = operations;
    this.template = template;
  }

  /**
   * Checks what can be checked at once, and starts the rest.
   *
   * @return the operation's id; it ends with {@link Api.Image}
   */
  public String start(Api.ImageBuild request) throws NepheleException {
    Path source = source(request.path());
    String name = name(source);
    if (request.title() != null) {
      DomainXml.checkTitle(request.title());
    }
    PauseRule rule = PauseRule.of(request.pauseWhen(), request.pauseAfterMs());
    if (rule.when().isPresent() && !DomainXml.read(template).hasConsole()) {
      throw new NepheleException(
          ErrorKind.REFUSED,
          "The VM can't be paused when its console says something: the template "
              + template
              + " has no <serial type='pty'>.");
    }
    Images.Hold reserved = images.reserve(name);
    try {
      return operations.start(
          Api.IMAGE_BUILD,
          source.toString(),
          work -> {
            try (reserved) {
              return build(work, request, source, name, rule);
            }
          });
    } catch (NepheleException | RuntimeException e) {
      reserved.close();
      throw e;
    }
  }

  private static Path source(String text) throws NepheleException {
    try {
      Path path = Path.of(text == null ? "" : text);
      if (path.isAbsolute() && Files.exists(path) && !Files.isDirectory(path)) {
        return path.normalize();
      }
      if (!path.isAbsolute()) {
        throw new NepheleException(
            ErrorKind.USAGE, "The path of a disk image must be absolute, not '" + text + "'.");
      }
    } catch (InvalidPathException e) {
      throw new NepheleException(ErrorKind.USAGE, "'" + text + "' is no path.", e);
    }
    throw new NepheleException(
        ErrorKind.NOT_FOUND, "There is no file " + text + " on this node (paths are the node's).");
  }

  /** The source's file name; what a name of an image may not have becomes an underscore. */
  static String name(Path source) throws NepheleException {
    String name = source.getFileName().toString().replaceAll("[^A-Za-z0-9._-]", "_");
    if (!ImageManifest.isName(name)) {
      throw new NepheleException(
          ErrorKind.REFUSED,
          "An image gets the name of its file, and '"
              + source.getFileName()
              + "' begins with a dot or is longer than 128 characters: rename the file.");
    }
    return name;
  }

  private Api.Image build(
      Work work, Api.ImageBuild request, Path source, String name, PauseRule rule)
      throws NepheleException, IOException {
    try (WorkFolder folder = store.work("image")) {
      Path files = folder.folder("image");
      Path disk = files.resolve(ImageZip.DISK);
      Path console = folder.file("console.log");
      UUID uuid = UUID.randomUUID();
      Settings settings = hypervisor.settings();
      DomainXml xml =
          DomainXml.read(template)
              .forBuild(
                  new DomainXml.Identity(
                      uuid,
                      request.title(),
                      new Mark(Mark.Role.IMAGE_BUILD, Map.of("source", source.toString()))),
                  new Disk.Raw(disk),
                  console,
                  request.vcpus(),
                  request.memoryKib(),
                  hypervisor.capabilities().accelerator(),
                  settings);
      requireCpuModel(xml.cpuModel());
      work.phase("converting");
      QemuImg.convertToRaw(work, QemuImg.inspect(work, source), disk);
      Captured captured;
      try (Build build = builds.begin(work, xml, "the image " + name)) {
        work.phase("starting");
        long started = System.nanoTime();
        Vm vm = hypervisor.start(xml, false);
        captured = build.capture(vm, rule, console, started, files, any -> {});
      }
      return publish(work, source, name, files, captured).toApi();
    }
  }

  /** libvirt would start a guest without the features that are missing, and so would each node. */
  private void requireCpuModel(String model) throws NepheleException {
    Capabilities here = hypervisor.capabilities();
    if (!model.isEmpty() && !here.cpuModels().contains(model)) {
      throw new NepheleException(
          ErrorKind.REFUSED,
          "The CPU model "
              + model
              + ", which "
              + template
              + " or cpu-model in "
              + Settings.FILE
              + " asks for, can't be given to a guest on this node with "
              + here.accelerator()
              + "; these can: "
              + String.join(", ", here.cpuModels())
              + ".");
    }
  }

  private Image publish(Work work, Path source, String name, Path files, Captured captured)
      throws NepheleException, IOException {
    Path disk = files.resolve(ImageZip.DISK);
    Path domain = files.resolve(ImageZip.DOMAIN);
    Files.writeString(domain, captured.domain(), StandardCharsets.UTF_8);
    long total = Files.size(disk) + Files.size(captured.memory());
    AtomicLong done = new AtomicLong();
    Hasher.Progress progress =
        bytes -> {
          if (work.isCancelled()) {
            throw new IOException("cancelled");
          }
          work.progress("hashing", done.addAndGet(bytes), total, "bytes");
        };
    CompletableFuture<Content> memory =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return Hasher.hash(captured.memory(), progress);
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    Content diskContent;
    Content memoryContent;
    try {
      diskContent = Hasher.hash(disk, progress);
    } finally {
      // It reads files that are about to be removed if this failed.
      memory.handle((content, failure) -> null).join();
    }
    try {
      memoryContent = memory.join();
    } catch (CompletionException e) {
      work.checkCancelled();
      throw new IOException("the captured memory can't be read: " + e.getCause().getMessage(), e);
    }
    work.phase("publishing");
    return images.publish(
        files,
        ImageManifest.of(
            name,
            source.toString(),
            Instant.now().truncatedTo(ChronoUnit.SECONDS),
            diskContent,
            memoryContent,
            Hasher.hash(captured.deviceState(), progress),
            Hasher.hash(domain, progress),
            captured.machine()));
  }
}
