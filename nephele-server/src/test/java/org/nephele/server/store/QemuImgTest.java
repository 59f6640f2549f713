package org.nephele.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.operation.Work;

/** With the real qemu-img. */
class QemuImgTest {
  @TempDir Path folder;

  private final Work work = new Work();

  @Test
  void anyFormatBecomesRaw() throws Exception {
    byte[] content = new byte[3 << 20];
    new Random(1).nextBytes(content);
    Path raw = Files.write(folder.resolve("a.raw"), content);
    for (String format : new String[] {"qcow2", "vmdk", "vdi", "vpc", "raw"}) {
      Path source = folder.resolve("a b,c." + format);
      run("qemu-img", "convert", "-q", "-f", "raw", "-O", format, raw + "", source + "");
      QemuImg.DiskImage image = QemuImg.inspect(work, source);
      Path target = folder.resolve("target-" + format);

      QemuImg.convertToRaw(work, image, target);

      assertThat(image.format()).isEqualTo(format);
      byte[] found = Files.readAllBytes(target);
      assertThat(Arrays.mismatch(Arrays.copyOf(found, content.length), content)).isEqualTo(-1);
      assertThat(work.progress().phase()).isEqualTo("converting");
      assertThat(work.progress().total()).isEqualTo(image.bytes());
    }
  }

  @Test
  void imagesThatNeedOtherFilesAreRefused() throws Exception {
    Path raw = Files.write(folder.resolve("base.raw"), new byte[1 << 20]);
    Path backed = folder.resolve("backed.qcow2");
    run("qemu-img", "create", "-q", "-f", "qcow2", "-b", raw + "", "-F", "raw", backed + "");
    assertRefused(backed, "has a backing file (" + raw + ")");

    Path external = folder.resolve("external.qcow2");
    String option = "data_file=" + folder.resolve("data.raw");
    run("qemu-img", "create", "-q", "-f", "qcow2", "-o", option, external + "", "1M");
    assertRefused(external, "keeps its data in another file");

    Path flat = folder.resolve("flat.vmdk");
    run(
        "qemu-img",
        "create",
        "-q",
        "-f",
        "vmdk",
        "-o",
        "subformat=monolithicFlat",
        flat + "",
        "1M");
    assertRefused(flat, "keeps its data in another file");
  }

  @Test
  void encryptedImagesAreRefused() throws Exception {
    Path luks = folder.resolve("secret.qcow2");
    run(
        "qemu-img",
        "create",
        "-q",
        "--object",
        "secret,id=s,data=x",
        "-f",
        "qcow2",
        "-o",
        "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10",
        luks + "",
        "1M");
    assertRefused(luks, "is encrypted");
  }

  @Test
  void whatIsNoImageIsRefused() throws Exception {
    Path broken = folder.resolve("broken.qcow2");
    Files.write(broken, new byte[] {'Q', 'F', 'I', (byte) 0xfb, 0, 0, 0, 3, 1, 2, 3});
    assertRefused(broken, "is no disk image");
    assertRefused(folder.resolve("missing"), "is no disk image");
  }

  private void assertRefused(Path image, String why) {
    assertThatThrownBy(() -> QemuImg.inspect(work, image))
        .isInstanceOfSatisfying(
            NepheleException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.REFUSED))
        .hasMessageContaining(why);
  }

  private static void run(String... command) throws Exception {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), "UTF-8");
    assertThat(process.waitFor()).as(said).isZero();
  }
}
