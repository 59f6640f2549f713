package org.nephele.server.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nephele.core.format.Hasher;
import org.nephele.core.format.ImageManifest;
import org.nephele.core.format.ImageZip;
import org.nephele.core.format.Machine;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.JsonLines;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.operation.Operations;
import org.nephele.server.store.Store;
import org.nephele.server.store.WorkFolder;

class ImagesTest {
  private static final String DOMAIN =
      "<domain type='qemu'><name>x</name><memory>65536</memory><os><type>hvm</type></os>"
          + "<devices><disk type='file' device='disk'><source file='/x'/><target dev='vda'/></disk>"
          + "</devices></domain>";

  @TempDir Path folder;
  private Store store;
  private Images images;
  private final Operations operations = new Operations();

  @BeforeEach
  void aStore() throws Exception {
    store = Store.open(folder.resolve("nephele"));
    images = new Images(store, "node1");
  }

  private Image publish(String name, long diskSeed, long memorySeed) throws Exception {
    try (WorkFolder work = store.work("test")) {
      Path files = Files.createDirectory(work.file("image"));
      Files.write(files.resolve(ImageZip.DISK), random(diskSeed));
      Files.write(files.resolve(ImageZip.MEMORY), random(memorySeed));
      Files.writeString(files.resolve(ImageZip.DEVICE_STATE), "state");
      Files.writeString(files.resolve(ImageZip.DOMAIN), DOMAIN);
      return images.publish(
          files,
          ImageManifest.of(
              name,
              "/root/" + name,
              Instant.EPOCH,
              Hasher.hash(files.resolve(ImageZip.DISK), n -> {}),
              Hasher.hash(files.resolve(ImageZip.MEMORY), n -> {}),
              Hasher.hash(files.resolve(ImageZip.DEVICE_STATE), n -> {}),
              Hasher.hash(files.resolve(ImageZip.DOMAIN), n -> {}),
              new Machine("pc", "Westmere", "7.2.22", 1, 65536)));
    }
  }

  private static byte[] random(long seed) {
    byte[] bytes = new byte[40960];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  @Test
  void anImageIsFoundByIdNameAndContent() throws Exception {
    Image image = publish("tiny.img", 1, 2);
    assertThat(images.list()).containsExactly(image);
    assertThat(images.find(image.id())).isEqualTo(image);
    assertThat(images.find("tiny.img")).isEqualTo(image);
    assertThat(images.findByContent(image.content())).contains(image);
    assertThat(images.findByContent("0".repeat(64))).isEmpty();
    assertRefused(() -> images.find("other"), ErrorKind.NOT_FOUND, "no image 'other' on node1");
  }

  @Test
  void filesOfAnImageCantBeWritten() throws Exception {
    Image image = publish("tiny.img", 1, 2);
    try (var files = Files.list(image.folder())) {
      assertThat(files)
          .hasSize(5)
          .allSatisfy(
              file ->
                  assertThat(Files.getPosixFilePermissions(file).toString())
                      .doesNotContain("WRITE"));
    }
  }

  @Test
  void anIdThatTwoImagesShareIsAmbiguous() throws Exception {
    Image first = publish("a.img", 1, 2);
    Image second = publish("b.img", 1, 3);
    assertThat(first.id()).isEqualTo(second.id());
    assertThat(first.content()).isNotEqualTo(second.content());
    assertRefused(() -> images.find(first.id()), ErrorKind.REFUSED, "say the name, a.img, b.img");
    assertThat(images.find("b.img")).isEqualTo(second);
    assertThat(images.findById(first.id())).containsExactly(first, second);
  }

  @Test
  void anImageInUseIsNotRemoved() throws Exception {
    Image image = publish("tiny.img", 1, 2);
    Images.Hold one = images.use(image, "instance 'x'");
    Images.Hold two = images.use(image, "instance 'x'");
    assertRefused(
        () -> images.remove(image.id()), ErrorKind.BUSY, "in use by instance 'x', instance 'x'");
    one.close();
    one.close();
    assertRefused(() -> images.remove(image.id()), ErrorKind.BUSY, "in use by instance 'x';");
    two.close();

    assertThat(images.remove(image.id())).isEqualTo(image);

    assertThat(image.folder()).doesNotExist();
    assertThat(images.list()).isEmpty();
    assertRefused(() -> images.use(image, "x"), ErrorKind.NOT_FOUND, "has been removed");
  }

  @Test
  void aNameIsMadeOnce() throws Exception {
    Images.Hold hold = images.reserve("tiny.img");
    assertRefused(() -> images.reserve("tiny.img"), ErrorKind.BUSY, "being made");
    hold.close();
    publish("tiny.img", 1, 2);
    assertRefused(() -> images.reserve("tiny.img"), ErrorKind.REFUSED, "Remove it first");
  }

  @Test
  void foldersThatAreNoImageAreLeftOut() throws Exception {
    publish("tiny.img", 1, 2);
    Files.createDirectory(store.images().resolve("empty"));
    Path odd = Files.createDirectory(store.images().resolve("odd"));
    Files.writeString(odd.resolve("manifest.json"), "{}");
    Files.writeString(store.images().resolve("a-file"), "");
    assertThat(images.list()).hasSize(1);
  }

  @Test
  void anExportedImageIsImportedElsewhere() throws Exception {
    Image image = publish("tiny.img", 1, 2);
    Path zip = folder.resolve("tiny.zip");
    Api.Exported exported =
        result(
            new ExportImage(store, images, operations)
                .start(new Api.ImageExport(image.id(), zip.toString())),
            Api.Exported.class);
    assertThat(exported.bytes()).isEqualTo(Files.size(zip));

    Store otherStore = Store.open(folder.resolve("other"));
    Images others = new Images(otherStore, "node2");
    ImportImage importing = new ImportImage(otherStore, others, operations);
    Api.Image imported = result(importing.start(new Api.Path(zip.toString())), Api.Image.class);

    assertThat(imported.id()).isEqualTo(image.id());
    assertThat(imported.source()).isEqualTo(zip.toString());
    Image found = others.find("tiny.img");
    assertThat(found.content()).isEqualTo(image.content());
    assertThat(found.disk()).hasSameBinaryContentAs(image.disk());
    assertRefused(
        () -> importing.start(new Api.Path(zip.toString())),
        ErrorKind.REFUSED,
        "is here already, under the name tiny.img");
    assertThat(folder.resolve("other/tmp")).isEmptyDirectory();
    assertThat(folder.resolve("nephele/tmp")).isEmptyDirectory();
    assertRefused(
        () ->
            new ExportImage(store, images, operations)
                .start(new Api.ImageExport(image.id(), zip.toString())),
        ErrorKind.REFUSED,
        "exists");
  }

  @Test
  void anotherImageOfTheSameNameIsNotReplaced() throws Exception {
    Image image = publish("tiny.img", 1, 2);
    Path zip = folder.resolve("tiny.zip");
    ImageZip.write(image.manifest(), image.folder(), zip, n -> {});
    images.remove("tiny.img");
    Image other = publish("tiny.img", 7, 8);
    ImportImage importing = new ImportImage(store, images, operations);

    Api.Image imported = result(importing.start(new Api.Path(zip.toString())), Api.Image.class);

    assertThat(imported.name()).isEqualTo("tiny.img-" + image.id());
    assertThat(images.find("tiny.img")).isEqualTo(other);
    Image found = images.find(image.id());
    assertThat(found.name()).isEqualTo(imported.name()).isEqualTo(found.manifest().name());
    assertThat(found.content()).isEqualTo(image.content());
    assertThat(images.freeName(image.manifest())).isEqualTo("tiny.img-" + image.id() + "-2");
    assertRefused(
        () -> importing.start(new Api.Path(zip.toString())),
        ErrorKind.REFUSED,
        "is here already, under the name tiny.img-" + image.id());
  }

  @Test
  void aDamagedExportLeavesNothing() throws Exception {
    Image image = publish("tiny.img", 1, 2);
    Path zip = folder.resolve("tiny.zip");
    ImageZip.write(image.manifest(), image.folder(), zip, n -> {});
    images.remove("tiny.img");
    byte[] bytes = Files.readAllBytes(zip);
    bytes[bytes.length / 2] ^= 1;
    Files.write(zip, bytes);

    String id = new ImportImage(store, images, operations).start(new Api.Path(zip.toString()));
    Api.Operation ended = operations.watch(id, o -> {});

    assertThat(ended.state()).isEqualTo("failed");
    assertThat(ended.error().message()).contains("can't be imported").contains("Nothing");
    assertThat(images.list()).isEmpty();
    assertThat(folder.resolve("nephele/tmp")).isEmptyDirectory();
    images.reserve("tiny.img").close();
  }

  @Test
  void namesComeFromFiles() throws Exception {
    assertThat(BuildImage.name(Path.of("/root/Win7.img"))).isEqualTo("Win7.img");
    assertThat(BuildImage.name(Path.of("/root/a b'<ü>.qcow2"))).isEqualTo("a_b____.qcow2");
    assertRefused(() -> BuildImage.name(Path.of("/root/.hidden")), ErrorKind.REFUSED, "dot");
    assertRefused(
        () -> BuildImage.name(Path.of("/root/" + "x".repeat(200))), ErrorKind.REFUSED, "128");
  }

  private <T> T result(String operation, Class<T> type) throws Exception {
    Api.Operation ended = operations.watch(operation, o -> {});
    assertThat(ended.error()).isNull();
    assertThat(Duration.between(Instant.parse(ended.started()), Instant.parse(ended.ended())))
        .isLessThan(Duration.ofMinutes(1));
    return JsonLines.json().treeToValue(ended.result(), type);
  }

  private static void assertRefused(
      org.assertj.core.api.ThrowableAssert.ThrowingCallable call, ErrorKind kind, String why) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(NepheleException.class, e -> assertThat(e.kind()).isEqualTo(kind))
        .hasMessageContaining(why);
  }
}
