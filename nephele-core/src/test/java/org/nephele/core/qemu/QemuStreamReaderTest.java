package org.nephele.core.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class QemuStreamReaderTest {
  private static final QemuStreamHandler IGNORE =
      new QemuStreamHandler() {
        @Override
        public void event(StreamEvent event) {}

        @Override
        public void zeroPage(RamBlock block, long offset, boolean continued, byte fill) {}

        @Override
        public void page(RamBlock block, long offset, boolean continued, ByteBuffer page) {}

        @Override
        public void opaque(ByteBuffer bytes) {}
      };

  @Test
  void deliversEverythingInOrder() throws IOException {
    Transcript transcript = Transcript.of(StreamBytes.everything().toBytes());

    assertThat(transcript.lines)
        .containsExactly(
            "Header[version=3]",
            "Configuration[machineType=pc-q35-7.2]",
            "Subsection configuration/capabilities of 20",
            "Subsection configuration/uuid of 16",
            "Command 1 []",
            "Command 2 [0, 0, 0, 1]",
            "SectionStart[id=2, name=ram, instance=0, version=4]",
            "Block a 8192",
            "Block b 4096",
            "EndOfRecords[]",
            "Footer[id=2]",
            "SectionPart[id=2]",
            "Page a 0 " + hash(1),
            "Zero a 4096",
            "Zero b 0",
            "Page b 0 " + hash(2),
            "Delta b delta",
            "EndOfRecords[]",
            "Footer[id=2]",
            "Command 11 []",
            "SectionPart[id=2]",
            "EndOfRecords[]",
            "Footer[id=2]",
            "Command 7 [0, 0, 0, 9]",
            "Opaque 9",
            "SectionEnd[id=2]",
            "Page a 4096 " + hash(3),
            "Page b 0 " + hash(4),
            "EndOfRecords[]",
            "OpaqueFromHere[ramComplete=true, reason=the memory is complete]",
            "Opaque 93",
            "EndOfStream[]");
  }

  @Test
  void deliversTheSameInChunksOfAnySize() throws IOException {
    byte[] stream = StreamBytes.everything().toBytes();
    Transcript whole = Transcript.of(stream);

    for (int chunk = 1; chunk < 9000; chunk = chunk < 300 ? chunk + 1 : chunk * 2 + 1) {
      Transcript chunked = Transcript.of(stream, chunk, StreamFeatures.NONE);
      assertThat(chunked.lines).as("chunks of %d", chunk).isEqualTo(whole.lines);
      assertThat(chunked.copy.toByteArray()).as("chunks of %d", chunk).isEqualTo(stream);
    }
  }

  @Test
  void aStreamCutAnywhereBeforeTheMemoryIsCompleteIsAnError() throws IOException {
    byte[] stream = StreamBytes.everything().toBytes();
    int deviceState = stream.length - 93;

    for (int length = 0; length < stream.length; length++) {
      QemuStreamParser parser = new QemuStreamParser(StreamFeatures.NONE, IGNORE);
      ByteBuffer cut = ByteBuffer.wrap(stream, 0, length);
      parser.parse(cut);
      if (length < deviceState) {
        assertThatThrownBy(() -> parser.end(cut.remaining()))
            .as("cut at %d", length)
            .isInstanceOf(QemuStreamException.class)
            .hasMessageMatching("The QEMU migration stream is damaged at byte \\d+: it ends .*\\.");
      } else {
        parser.end(cut.remaining());
        assertThat(parser.offset()).isEqualTo(length);
      }
    }
  }

  @Test
  void whatTheParserDoesNotKnowIsOpaqueFromThereOn() throws IOException {
    assertOpaque(new StreamBytes().header().u8(9), "an element of unknown type 9 at byte 8");
    assertOpaque(new StreamBytes().header().start("dirty-bitmap"), "a section dirty-bitmap beside");
    assertOpaque(new StreamBytes().header().u8(4), "device state before the memory is complete");
    assertOpaque(new StreamBytes().header().u8(0), "an end mark before the memory is complete");
    assertOpaque(new StreamBytes().header().u8(0x7e), "a footer out of place");
    assertOpaque(new StreamBytes().header().u8(5), "a subsection out of place");
    assertOpaque(
        new StreamBytes().header().configuration("q35").configuration("q35"),
        "a second configuration");
    assertOpaque(
        new StreamBytes()
            .header()
            .configuration("virt")
            .u8(5)
            .name("configuration/target-page-bits")
            .u32(1)
            .u32(16),
        "pages of 2^16 bytes");
    assertOpaque(
        new StreamBytes().header().configuration("q35").u8(5).name("configuration/new").u32(1),
        "the unknown configuration subsection configuration/new");
    assertOpaque(new StreamBytes().header().command(8, new byte[0]), "command 8");
    assertOpaque(new StreamBytes().header().command(12, new byte[0]), "command 12");
    assertOpaque(
        new StreamBytes().header().u8(1).u32(2).name("ram").u32(0).u32(5),
        "section ram of version 5");
    for (int flags : new int[] {0x01, 0x0a, 0x80, 0x100, 0x200, 0x04, 0x30, 0x20, 0x00}) {
      assertOpaque(StreamBytes.started().u64(4096 | flags), "");
    }
    assertOpaque(StreamBytes.started().u64(4096 | 0x10), "a RAM record of unknown form");
  }

  private static void assertOpaque(StreamBytes prefix, String reason) throws IOException {
    byte[] stream = prefix.text("whatever comes then").toBytes();
    for (int chunk : new int[] {1, 7, stream.length}) {
      Transcript transcript = Transcript.of(stream, chunk, StreamFeatures.NONE);
      assertThat(transcript.copy.toByteArray()).isEqualTo(stream);
      assertThat(transcript.lines)
          .anyMatch(line -> line.startsWith("OpaqueFromHere[ramComplete=false, reason=" + reason));
    }
  }

  @Test
  void whatContradictsItselfIsAnError() {
    assertDamaged(new StreamBytes().text("QEVN").u32(3), 0, "it starts with 5145564e");
    assertDamaged(new StreamBytes().text("QEVM").u32(2), 0, "its version is 2 instead of 3");
    assertDamaged(new StreamBytes().header().u8(7).u32(-1), 8, "machine type has 4294967295");
    assertDamaged(
        new StreamBytes()
            .header()
            .configuration("q35")
            .u8(5)
            .name("configuration/capabilities")
            .u32(1)
            .u32(1 << 30),
        16,
        "1073741824 capabilities");
    assertDamaged(new StreamBytes().header().part(), 8, "section 2, which never started");
    assertDamaged(StreamBytes.started().eos().footer().u8(3).u32(3), 81, "section 3, which");
    assertDamaged(StreamBytes.started().eos().u8(0x7e).u32(9), 76, "the footer of section 9");
    assertDamaged(StreamBytes.started().eos().footer().start("ram"), 81, "a second time");
    assertDamaged(
        new StreamBytes().header().start("ram").eos(), 25, "section ram has no block list");
    assertDamaged(
        new StreamBytes().header().start("ram").zero("a", 0), 25, "not in its block list");
    assertDamaged(StreamBytes.started().zero("c", 0), 68, "block 'c', which is not in its");
    assertDamaged(StreamBytes.started().zero("a", 8192), 68, "beyond the end of block 'a'");
    assertDamaged(StreamBytes.started().zero("a", -4096), 68, "beyond the end of block 'a'");
    assertDamaged(StreamBytes.started().nextZero(0), 68, "does not say which block");
    assertDamaged(
        StreamBytes.started().u64(0x40).name("a").u8(1).u16(4097), 68, "encoding 1 and 4097");
    assertDamaged(StreamBytes.started().eos().command(7, new byte[3]), 76, "a body of 3 bytes");
  }

  @Test
  void blockListsAreBounded() {
    assertDamaged(list(-4096), 25, "0xfffffffffffff000 bytes of memory");
    assertDamaged(list(1L << 45), 25, "0x200000000000 bytes of memory");
    assertDamaged(list(8192).name("a").u64(12288), 33, "block 'a' has the impossible length");
    assertDamaged(list(8192).name("a").u64(-4096), 33, "block 'a' has the impossible length");
    assertDamaged(list(8192).name("a").u64(100), 33, "block 'a' has the impossible length");
    assertDamaged(list(8192).name("a").u64(4096).name("a").u64(4096), 43, "is there twice");
    StreamBytes many = list(1L << 40);
    for (int i = 0; i < 1025; i++) {
      many.name("b" + i).u64(4096);
    }
    assertDamaged(many, 13259, "more than 1024 blocks");
  }

  private static StreamBytes list(long total) {
    return new StreamBytes().header().start("ram").u64(total | 4);
  }

  private static void assertDamaged(StreamBytes stream, long offset, String what) {
    assertThatThrownBy(() -> Transcript.of(stream.toBytes()))
        .isInstanceOf(QemuStreamException.class)
        .hasMessageContaining(what)
        .extracting(e -> ((QemuStreamException) e).offset())
        .isEqualTo(offset);
  }

  @Test
  void blockListFieldsFollowTheCapabilities() throws IOException {
    byte[] shared =
        new StreamBytes()
            .header()
            .start("ram")
            .u64(8192 | 4)
            .name("a")
            .u64(4096)
            .u64(0xfeed000)
            .name("b")
            .u64(4096)
            .u64(-1)
            .eos()
            .end()
            .eos()
            .toBytes();
    StreamFeatures ignoreShared = new StreamFeatures(false, true);
    assertThat(Transcript.of(shared, 1, ignoreShared).copy.toByteArray()).isEqualTo(shared);

    StreamFeatures postcopy = new StreamFeatures(true, false);
    StreamBytes unadvised = new StreamBytes().header().start("ram").blocks().eos().end().eos();
    assertThat(Transcript.of(unadvised.toBytes(), 99, postcopy).lines)
        .anyMatch(line -> line.contains("not in pages of 4096 bytes"));
    for (int sizes : new int[] {0x1000, 0x201000}) {
      byte[] advice = new StreamBytes().u64(sizes).u64(4096).toBytes();
      byte[] stream =
          new StreamBytes()
              .header()
              .command(3, advice)
              .start("ram")
              .blocks()
              .eos()
              .end()
              .eos()
              .toBytes();
      Transcript transcript = Transcript.of(stream, 13, postcopy);
      assertThat(transcript.copy.toByteArray()).isEqualTo(stream);
      assertThat(transcript.lines.contains("Block b 4096")).isEqualTo(sizes == 0x1000);
    }
  }

  @Test
  void anyChangedByteIsCopiedExactlyOrIsAnError() throws IOException {
    byte[] stream = StreamBytes.everything().toBytes();
    Random random = new Random(42);
    int errors = 0;
    for (int i = 0; i < 2_000; i++) {
      byte[] changed = stream.clone();
      for (int n = random.nextInt(3); n >= 0; n--) {
        // Most bytes are page content: aim at the rest, too.
        int at = random.nextInt(random.nextBoolean() ? stream.length : 300);
        changed[at] = (byte) random.nextInt(256);
      }
      try {
        Transcript transcript =
            Transcript.of(changed, 1 + random.nextInt(9000), StreamFeatures.NONE);
        assertThat(transcript.copy.toByteArray()).isEqualTo(changed);
      } catch (QemuStreamException expected) {
        errors++;
      }
    }
    assertThat(errors).isPositive();
  }

  @Test
  void randomBytesBehindAnyPrefixAreCopiedExactlyOrAreAnError() throws IOException {
    byte[] stream = StreamBytes.everything().toBytes();
    Random random = new Random(7);
    for (int i = 0; i < 2_000; i++) {
      byte[] noise = stream.clone();
      int from = random.nextInt(random.nextBoolean() ? stream.length : 300);
      int values = random.nextBoolean() ? 256 : 9;
      for (int at = from; at < noise.length; at++) {
        noise[at] = (byte) random.nextInt(values);
      }
      try {
        assertThat(Transcript.of(noise).copy.toByteArray()).isEqualTo(noise);
      } catch (QemuStreamException expected) {
        assertThat(expected.offset()).isBetween(0L, (long) noise.length);
      }
    }
  }

  /** The other QEMU answers only when it got all that was sent: nothing may be held back. */
  @Test
  void deliversEveryRecordBeforeItWaitsForMore() throws Exception {
    byte[] stream = StreamBytes.everything().toBytes();
    Pipe in = Pipe.open();
    Pipe out = Pipe.open();
    QemuStreamRelay relay = new QemuStreamRelay(in.source(), out.sink(), StreamFeatures.NONE);
    CompletableFuture<RelayCounts> done =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return relay.run();
              } catch (IOException e) {
                throw new AssertionError(e);
              }
            });

    // Each piece ends where a record ends, and must come out before the next one goes in.
    int sent = 0;
    for (int end : recordEnds(stream)) {
      in.sink().write(ByteBuffer.wrap(stream, sent, end - sent));
      ByteBuffer arrived = ByteBuffer.allocate(end - sent);
      while (arrived.hasRemaining()) {
        assertThat(out.source().read(arrived)).isPositive();
      }
      assertThat(arrived.array()).isEqualTo(Arrays.copyOfRange(stream, sent, end));
      sent = end;
    }
    in.sink().close();
    RelayCounts counts = done.get(10, TimeUnit.SECONDS);
    out.source().close();

    assertThat(counts).isEqualTo(new RelayCounts(stream.length, 4, 2, 1, 2, 9 + 93, true, ""));
  }

  /** Every offset at which a reader has delivered all that it was given. */
  private static int[] recordEnds(byte[] stream) throws IOException {
    int[] ends = new int[stream.length + 1];
    int count = 0;
    QemuStreamParser parser = new QemuStreamParser(StreamFeatures.NONE, new Transcript());
    for (int length = 1; length <= stream.length; length++) {
      parser.parse(ByteBuffer.wrap(stream, (int) parser.offset(), length - (int) parser.offset()));
      if (parser.offset() == length) {
        ends[count++] = length;
      }
    }
    return Arrays.copyOf(ends, count);
  }

  private static int hash(int seed) {
    return Arrays.hashCode(StreamBytes.content(seed));
  }
}
