package org.nephele.server.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nephele.core.format.DeltaReader;
import org.nephele.core.format.DeltaWriter;
import org.nephele.core.format.Pages;
import org.nephele.server.operation.Work;
import org.nephele.server.store.QemuImg;

/** With real overlays, written by qemu-io as QEMU itself would. */
class DiskDeltaTest {
  /** No multiple of a page or a cluster: disks come in sectors. */
  private static final int BYTES = (4 << 20) + 3 * 512;

  @TempDir Path folder;

  private final Work work = new Work();

  @RepeatedTest(5)
  void anOverlayIsMadeAgainFromItsDelta(RepetitionInfo info) throws Exception {
    Random random = new Random(info.getCurrentRepetition());
    byte[] content = new byte[BYTES];
    random.nextBytes(content);
    Arrays.fill(content, 1 << 20, 2 << 20, (byte) 0);
    Path base = Files.write(folder.resolve("base.raw"), content);
    Path overlay = folder.resolve("overlay.qcow2");
    QemuImg.createOverlay(work, overlay, base);
    change(overlay, random);

    byte[] delta = delta(base, overlay);
    Path again = folder.resolve("again.qcow2");
    QemuImg.createOverlay(work, again, base);
    DeltaReader reader = new DeltaReader(new ByteArrayInputStream(delta), Pages.count(BYTES));
    DiskDelta.apply(work, reader, again, BYTES);

    assertThat(folder.resolve("nbd.sock")).doesNotExist();
    assertThat(Arrays.mismatch(flat(again), flat(overlay))).isEqualTo(-1);
    assertThat(Arrays.mismatch(flat(again), content)).isNotEqualTo(-1);
    assertThat(Arrays.mismatch(Files.readAllBytes(base), content)).isEqualTo(-1);
  }

  private void change(Path overlay, Random random) throws Exception {
    List<String> command = new ArrayList<>(List.of("qemu-io", "-f", "qcow2", "-d", "unmap"));
    for (int i = 0; i < 40; i++) {
      int offset = 512 * random.nextInt(BYTES / 512 - 1);
      int length = Math.min(512 * (1 + random.nextInt(400)), BYTES - offset);
      command.add("-c");
      command.add(
          switch (random.nextInt(3)) {
            case 0 -> "discard " + offset + " " + length;
            case 1 -> "write -z -u " + offset + " " + length;
            default -> "write -P " + (1 + random.nextInt(255)) + " " + offset + " " + length;
          });
    }
    command.add("-c");
    command.add("write -P 7 " + (BYTES - 512) + " 512");
    command.add(overlay.toString());
    run(command);
  }

  @Test
  void anUntouchedOverlayHasAnEmptyDelta() throws Exception {
    Path base = Files.write(folder.resolve("base.raw"), new byte[BYTES]);
    Path overlay = folder.resolve("overlay.qcow2");
    QemuImg.createOverlay(work, overlay, base);
    assertThat(delta(base, overlay)).hasSize(12);
  }

  @Test
  void whatWasWrittenAsItWasBeforeIsNoChange() throws Exception {
    byte[] content = new byte[BYTES];
    Arrays.fill(content, 0, 1 << 20, (byte) 9);
    Path base = Files.write(folder.resolve("base.raw"), content);
    Path overlay = folder.resolve("overlay.qcow2");
    QemuImg.createOverlay(work, overlay, base);
    run(List.of("qemu-io", "-f", "qcow2", "-c", "write -P 9 0 1M", "" + overlay));
    run(List.of("qemu-io", "-f", "qcow2", "-c", "write -z 2M 1M", "" + overlay));
    assertThat(delta(base, overlay)).hasSize(12);
  }

  private byte[] delta(Path base, Path overlay) throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    DeltaWriter delta = new DeltaWriter(out);
    DiskDelta.write(work, base, overlay, QemuImg.changes(work, overlay), delta);
    delta.finish();
    return out.toByteArray();
  }

  private byte[] flat(Path overlay) throws Exception {
    Path flat = Files.createTempFile(folder, "flat", ".raw");
    run(List.of("qemu-img", "convert", "-f", "qcow2", "-O", "raw", overlay + "", flat + ""));
    return Files.readAllBytes(flat);
  }

  private static void run(List<String> command) throws Exception {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), "UTF-8");
    assertThat(process.waitFor()).as(said).isZero();
  }
}
