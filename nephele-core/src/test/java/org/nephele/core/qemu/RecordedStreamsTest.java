package org.nephele.core.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Streams of real QEMU 7.2 and 10.0, recorded by src/test/resources/qemu/captures.sh. */
class RecordedStreamsTest {
  private static final long MOST_MEMORY = 64 << 20;

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "paused-7.2", "live-7.2", "xbzrle-7.2", "advised-7.2", "postcopy-7.2", "shared-7.2",
        "paused-10.0", "live-10.0", "xbzrle-10.0", "advised-10.0", "postcopy-10.0", "shared-10.0"
      })
  void areCopiedByteForByte(String name) throws IOException {
    byte[] stream = recorded(name);
    for (int chunk : new int[] {stream.length, 208 << 10, 4096, 997}) {
      ByteArrayOutputStream out = new ByteArrayOutputStream(stream.length);
      RelayCounts counts =
          new QemuStreamRelay(
                  Transcript.inChunks(stream, chunk), Channels.newChannel(out), features(name))
              .run();

      assertThat(Arrays.equals(out.toByteArray(), stream)).isTrue();
      assertThat(counts.bytes()).isEqualTo(stream.length);
      assertThat(counts.memoryComplete()).isTrue();
      assertThat(counts.opaqueReason()).isEmpty();
      assertThat(counts.pages()).isGreaterThan(128);
      assertThat(counts.zeroPages()).isGreaterThan(3000);
      assertThat(counts.iterations()).isGreaterThan(name.startsWith("live") ? 4 : 0);
      assertThat(counts.deltas() > 0).isEqualTo(name.startsWith("xbzrle"));
      assertThat(counts.opaqueBytes()).isBetween(20_000L, 400_000L);
    }
  }

  @Test
  void showWhatQemuSends() throws IOException {
    assertThat(events("paused-7.2"))
        .contains("Configuration[machineType=pc-q35-7.2]", "SectionStart[id=2, name=ram,")
        .contains("Block pc.ram 16785408", "Footer[id=2]")
        .doesNotContain("Command");
    assertThat(events("paused-10.0"))
        .contains("Configuration[machineType=pc-q35-10.0]", "Block pc.ram 16785408");
    assertThat(events("shared-7.2"))
        .contains(
            "Subsection configuration/capabilities of", "Subsection configuration/uuid of 16");
    for (String version : new String[] {"7.2", "10.0"}) {
      assertThat(events("advised-" + version))
          .contains("Command 1 []", "Command 3 [0, 0, 0, 0, 0,");
      assertThat(events("postcopy-" + version)).contains("Command 6 [", "Command 7 [");
    }
  }

  private static String events(String name) throws IOException {
    Transcript transcript = Transcript.of(recorded(name), 1 << 16, features(name));
    transcript.lines.removeIf(line -> line.startsWith("Page") || line.startsWith("Zero"));
    return String.join("\n", transcript.lines);
  }

  @ParameterizedTest
  @ValueSource(strings = {"paused-7.2", "live-7.2", "shared-7.2", "paused-10.0", "live-10.0"})
  void becomeMemoryAndDeviceStateAndAStreamAgain(String name) throws IOException {
    byte[] stream = recorded(name);
    byte[] memory = replayed(stream, features(name));
    Path file = folder.resolve("memory.raw");

    DeviceState state = capture(stream, features(name), file);
    assertThat(Arrays.equals(Files.readAllBytes(file), memory)).isTrue();
    assertThat(state.layout().bytes()).isEqualTo(memory.length);
    assertThat(state.map().count()).isBetween(128L, 1000L);

    DeviceState parsed = DeviceState.parse(state.toBytes());
    assertThat(parsed.layout()).isEqualTo(state.layout());
    assertThat(parsed.toBytes()).isEqualTo(state.toBytes());

    byte[] restored = restore(parsed, file);
    Path again = folder.resolve("again.raw");
    DeviceState second = capture(restored, features(name), again);
    assertThat(second.toBytes()).isEqualTo(state.toBytes());
    assertThat(Files.mismatch(file, again)).isEqualTo(-1);
    Transcript transcript = Transcript.of(restored, 1 << 16, features(name));
    assertThat(transcript.lines.stream().filter(line -> line.matches("(Page|Zero) .*")))
        .hasSize((int) state.layout().pages());
  }

  @Test
  void keepTheSwitchoverMarkOfNewMachines() throws IOException {
    // Machine types from 10.0 on announce the switchover just before the last section.
    byte[] stream = recorded("paused-10.0");
    assertThat(events("paused-10.0")).contains("Command 11 []\nSectionEnd");
    DeviceState state = capture(stream, StreamFeatures.NONE, folder.resolve("memory.raw"));
    byte[] restored = restore(state, folder.resolve("memory.raw"));
    assertThat(Transcript.of(restored).lines).contains("Command 11 []");
  }

  @Test
  void areNotTakenForCompleteWhenTheyAreCutAnywhere() throws IOException {
    byte[] stream = recorded("paused-7.2");
    Random random = new Random(1);
    for (int i = 0; i < 60; i++) {
      // Half of them in the device state, at the end.
      int length = i % 2 == 0 ? random.nextInt(stream.length) : stream.length - 1 - i * 500;
      Path file = folder.resolve("memory" + i);
      assertThatThrownBy(() -> capture(Arrays.copyOf(stream, length), StreamFeatures.NONE, file))
          .as("cut at %d", length)
          .isInstanceOf(QemuStreamException.class);
    }
  }

  @Test
  void areRefusedWhenTheyCannotBeStored() {
    assertRefused("xbzrle-7.2", MOST_MEMORY, "capability xbzrle must be off");
    assertRefused("advised-7.2", MOST_MEMORY, "its stream has command 3");
    assertRefused("postcopy-10.0", MOST_MEMORY, "its stream has command 3");
    assertRefused("paused-7.2", 16 << 20, "more than the 16777216 expected");
  }

  private void assertRefused(String name, long mostMemory, String reason) {
    assertThatThrownBy(
            () ->
                CapturedState.read(
                    Transcript.inChunks(recorded(name), 1 << 16),
                    features(name),
                    folder.resolve(name),
                    mostMemory,
                    (done, total) -> {}))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(reason);
  }

  @Test
  void damagedDeviceStateIsAnErrorOrOtherDeviceState() throws IOException {
    byte[] file =
        capture(recorded("paused-7.2"), StreamFeatures.NONE, folder.resolve("m")).toBytes();
    for (int length = 0; length < file.length; length += length < 300 ? 1 : 4999) {
      byte[] cut = Arrays.copyOf(file, length);
      assertThatThrownBy(() -> DeviceState.parse(cut)).isInstanceOf(IOException.class);
    }
    Random random = new Random(3);
    for (int i = 0; i < 3000; i++) {
      byte[] changed = file.clone();
      changed[random.nextInt(i % 2 == 0 ? 400 : file.length)] = (byte) random.nextInt(256);
      try {
        assertThat(DeviceState.parse(changed).toBytes()).hasSameSizeAs(file);
      } catch (IOException expected) {
        assertThat(expected.getMessage()).isNotBlank();
      }
    }
  }

  static byte[] recorded(String name) throws IOException {
    try (InputStream file =
        RecordedStreamsTest.class.getResourceAsStream("/qemu/" + name + ".gz")) {
      return new GZIPInputStream(file).readAllBytes();
    }
  }

  private static StreamFeatures features(String name) {
    return new StreamFeatures(
        name.startsWith("advised") || name.startsWith("postcopy"), name.startsWith("shared"));
  }

  static DeviceState capture(byte[] stream, StreamFeatures features, Path file) throws IOException {
    ReadableByteChannel in = Channels.newChannel(new ByteArrayInputStream(stream));
    return CapturedState.read(in, features, file, MOST_MEMORY, (done, total) -> {});
  }

  private static byte[] restore(DeviceState state, Path file) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (FileChannel memory = FileChannel.open(file)) {
      PageSource source = new MemoryFile(memory, state.layout());
      long bytes = RestoreStream.write(Channels.newChannel(out), state, source, (d, t) -> {});
      assertThat(bytes).isEqualTo(out.size());
    }
    return out.toByteArray();
  }

  /** What the receiver's memory holds at the end, found in the simplest way. */
  private static byte[] replayed(byte[] stream, StreamFeatures features) throws IOException {
    class Replay implements QemuStreamHandler {
      byte[] memory;

      @Override
      public void event(StreamEvent event) {
        if (event instanceof StreamEvent.RamBlocks blocks) {
          memory = new byte[(int) blocks.layout().bytes()];
        }
      }

      @Override
      public void zeroPage(RamBlock block, long offset, boolean continued, byte fill) {
        int at = (int) (block.firstPage() * RamBlock.PAGE_SIZE + offset);
        Arrays.fill(memory, at, at + RamBlock.PAGE_SIZE, fill);
      }

      @Override
      public void page(RamBlock block, long offset, boolean continued, ByteBuffer page) {
        int at = (int) (block.firstPage() * RamBlock.PAGE_SIZE + offset);
        page.get(memory, at, RamBlock.PAGE_SIZE);
      }

      @Override
      public void opaque(ByteBuffer bytes) {}
    }
    Replay replay = new Replay();
    new QemuStreamReader(Channels.newChannel(new ByteArrayInputStream(stream)), features, replay)
        .readAll();
    return replay.memory;
  }
}
