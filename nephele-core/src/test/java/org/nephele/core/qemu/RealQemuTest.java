package org.nephele.core.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nephele.core.format.DeltaReader;
import org.nephele.core.format.DeltaWriter;
import org.nephele.core.format.PageDiff;
import org.nephele.core.qemu.RestoreStream.ZeroPages;

/** Real QEMUs give their state to our code and take it from there; the guest checks its memory. */
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RealQemuTest {
  private static final Map<String, ?> FAST = Map.of("max-bandwidth", 1L << 40);

  @TempDir Path temporary;
  private Path folder;

  @BeforeEach
  void shortPaths() throws IOException {
    // Paths of unix sockets are short: 108 bytes.
    folder = Files.createDirectory(temporary.resolve("q"));
  }

  @ParameterizedTest
  @EnumSource
  void aCapturedGuestGoesOnInAnotherQemu(ZeroPages zeroPages) throws Exception {
    Path memory = folder.resolve("memory.raw");
    DeviceState state;
    int last;
    try (QemuProcess source = QemuProcess.start(folder, "source")) {
      source.awaitRounds(3);
      state = capture(source, memory);
      last = last(source);
    }
    // Less than a tenth of this memory is in use: the rest are holes.
    assertThat(allocated(memory)).isLessThan(Files.size(memory) / 4);

    try (QemuProcess target = QemuProcess.waiting(folder, "target");
        FileChannel file = FileChannel.open(memory)) {
      restore(target, state, new MemoryFile(file, state.layout()), zeroPages);
      assertThat(target.rounds()).isEmpty();
      assertGoesOnAfter(last, target);
    }
  }

  @Test
  void aSnapshotIsRestoredFromTheImagesMemoryAndItsOwnChanges() throws Exception {
    Path image = folder.resolve("image.raw");
    Path snapshot = folder.resolve("snapshot.raw");
    DeviceState imageState;
    DeviceState state;
    int last;
    try (QemuProcess source = QemuProcess.start(folder, "source")) {
      source.awaitRounds(1);
      imageState = capture(source, image);
      source.qmp("cont", Map.of());
      source.awaitRounds(3);
      state = capture(source, snapshot);
      last = last(source);
    }
    assertThat(state.layout()).isEqualTo(imageState.layout());
    ByteArrayOutputStream delta = new ByteArrayOutputStream();
    try (FileChannel base = FileChannel.open(image);
        FileChannel changed = FileChannel.open(snapshot)) {
      DeltaWriter writer = new DeltaWriter(delta);
      new PageDiff(base, writer).compare(changed, 0, 0, state.layout().pages(), done -> {});
      writer.finish();
    }
    assertThat(delta.size()).isBetween(128 * 4096, 300 * 4096);

    DeviceState read = DeviceState.parse(state.toBytes());
    try (QemuProcess target = QemuProcess.waiting(folder, "target");
        FileChannel base = FileChannel.open(image)) {
      DeltaReader changes =
          new DeltaReader(new ByteArrayInputStream(delta.toByteArray()), read.layout().pages());
      restore(
          target,
          read,
          new DeltaPages(new MemoryFile(base, read.layout()), changes),
          ZeroPages.SEND);
      assertGoesOnAfter(last, target);
    }
  }

  /** What {@link ZeroPages#SKIP_IN_FRESH_MEMORY} relies on, with all that might write there. */
  @Test
  void memoryOfAWaitingQemuIsAllZeros() throws Exception {
    Path image = Files.write(folder.resolve("image"), StreamBytes.content(1));
    Path dump = folder.resolve("dump");
    try (QemuProcess target =
        QemuProcess.waiting(
            folder,
            "target",
            "-vga",
            "std",
            "-netdev",
            "user,id=n",
            "-device",
            "virtio-net-pci,netdev=n",
            "-device",
            "loader,force-raw=on,addr=0x400000,file=" + image)) {
      target.qmp("pmemsave", Map.of("val", 0, "size", 16 << 20, "filename", dump.toString()));
    }
    assertThat(Arrays.mismatch(Files.readAllBytes(dump), new byte[16 << 20])).isEqualTo(-1);
  }

  @Test
  void aRunningGuestMovesThroughTheRelay() throws Exception {
    try (QemuProcess source = QemuProcess.start(folder, "source");
        QemuProcess target = QemuProcess.waiting(folder, "target")) {
      source.awaitRounds(3);
      // Slow enough for the guest to dirty pages again and again.
      source.qmp("migrate-set-parameters", Map.of("max-bandwidth", 3 << 20, "downtime-limit", 1));
      RelayCounts counts;
      try (SocketChannel in = source.migrate();
          SocketChannel out = target.incoming()) {
        QemuStreamRelay relay = new QemuStreamRelay(in, out, StreamFeatures.NONE);
        CompletableFuture<RelayCounts> done =
            CompletableFuture.supplyAsync(
                () -> {
                  try {
                    return relay.run();
                  } catch (IOException e) {
                    throw new AssertionError(e);
                  }
                });
        while (source.migration().path("ram").path("dirty-sync-count").asInt() < 4) {
          Thread.sleep(20);
        }
        assertThat(relay.counts().memoryComplete()).isFalse();
        source.qmp(
            "migrate-set-parameters", Map.of("max-bandwidth", 1L << 40, "downtime-limit", 1000));
        counts = done.get(60, TimeUnit.SECONDS);
      }
      source.awaitMigrated();
      target.awaitMigrated();
      assertThat(counts.memoryComplete()).isTrue();
      assertThat(counts.opaqueReason()).isEmpty();
      assertThat(counts.iterations()).isGreaterThan(3);
      assertThat(counts.pages()).isGreaterThan(4 * 128);
      // It ran to the end, so it may be anywhere in the source's last round.
      assertGoesOnAfter(last(source), target);
    }
  }

  private DeviceState capture(QemuProcess source, Path memory) throws IOException {
    source.qmp("stop", Map.of());
    source.qmp("migrate-set-parameters", FAST);
    try (SocketChannel stream = source.migrate()) {
      DeviceState state =
          CapturedState.read(stream, StreamFeatures.NONE, memory, 64 << 20, (done, total) -> {});
      source.awaitMigrated();
      return state;
    }
  }

  private static void restore(
      QemuProcess target, DeviceState state, PageSource source, ZeroPages zeroPages)
      throws IOException {
    try (SocketChannel stream = target.incoming()) {
      RestoreStream.write(stream, state, source, zeroPages, (done, total) -> {});
    }
    target.awaitMigrated();
  }

  private static int last(QemuProcess source) {
    List<Integer> rounds = source.rounds();
    return rounds.get(rounds.size() - 1);
  }

  /** The guest's next whole line follows on what it printed last; it checks its own memory. */
  private static void assertGoesOnAfter(int last, QemuProcess target) throws IOException {
    target.qmp("cont", Map.of());
    target.awaitRounds(4);
    List<Integer> rounds = target.rounds();
    // The line may have been cut between the two, then the next one is whole.
    assertThat(rounds.get(0)).isBetween(last + 1, last + 2);
    for (int i = 1; i < rounds.size(); i++) {
      assertThat(rounds.get(i)).isEqualTo(rounds.get(i - 1) + 1);
    }
  }

  private static long allocated(Path file) throws Exception {
    // Java does not tell how many blocks a file has.
    Process du =
        new ProcessBuilder("du", "--block-size=1", file.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    String line = new String(du.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return Long.parseLong(line.substring(0, line.indexOf('\t')));
  }
}
