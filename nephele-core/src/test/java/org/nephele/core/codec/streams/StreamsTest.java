package org.nephele.core.codec.streams;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Random;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nephele.core.codec.EncoderStatistics;
import org.nephele.core.codec.PageDecoder;
import org.nephele.core.codec.PageEncoder;
import org.nephele.core.codec.PageSink;
import org.nephele.core.codec.SentPages;
import org.nephele.core.codec.Space;
import org.nephele.core.codec.StreamParameters;
import org.nephele.core.qemu.QemuStreamReader;
import org.nephele.core.qemu.StreamFeatures;
import org.nephele.core.reference.References;

/** QEMU's and NBD's streams through a page stream, byte for byte. */
class StreamsTest {
  private static final int PAGE = 4096;
  private static final long DISK_PAGES = 1000;

  @TempDir Path folder;

  /** What feeds the encoder. */
  private interface Feed {
    void to(PageEncoder encoder) throws Exception;
  }

  private final ByteArrayOutputStream memory = new ByteArrayOutputStream();
  private final ByteArrayOutputStream disk = new ByteArrayOutputStream();

  private EncoderStatistics pass(long memoryPages, Feed feed) throws Exception {
    memory.reset();
    disk.reset();
    MemoryDecoder toMemory = new MemoryDecoder(Channels.newChannel(memory));
    DiskDecoder toDisk = new DiskDecoder(Channels.newChannel(disk));
    PageSink sink =
        new PageSink() {
          @Override
          public void page(Space space, long page, int flags, ByteBuffer content)
              throws IOException {
            if (space == Space.MEMORY) {
              toMemory.page(page, flags, content);
            } else {
              toDisk.write(content);
            }
          }

          @Override
          public void opaque(Space channel, ByteBuffer bytes) throws IOException {
            if (channel == Space.MEMORY) {
              toMemory.opaque(bytes);
            } else {
              toDisk.write(bytes);
            }
          }

          @Override
          public void endOfFrame() throws IOException {
            toMemory.flush();
            toDisk.flush();
          }
        };
    StreamParameters parameters = new StreamParameters(memoryPages, DISK_PAGES, 1 << 16, "", "");
    String unique = "-" + System.nanoTime();
    try (SentPages here = SentPages.create(folder.resolve("here" + unique), parameters);
        SentPages there = SentPages.create(folder.resolve("there" + unique), parameters);
        PageDecoder decoder = new PageDecoder(parameters, References.NONE, there, sink);
        PageEncoder encoder =
            new PageEncoder(parameters, References.NONE, Optional.empty(), here, decoder::decode)) {
      feed.to(encoder);
      encoder.end();
      decoder.finish();
      return encoder.statistics();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "paused-7.2", "live-7.2", "xbzrle-7.2", "advised-7.2", "postcopy-7.2", "shared-7.2",
        "paused-10.0", "live-10.0", "xbzrle-10.0", "advised-10.0", "postcopy-10.0", "shared-10.0"
      })
  void recorded_streams_come_out_as_they_went_in(String name) throws Exception {
    byte[] stream;
    try (InputStream file = StreamsTest.class.getResourceAsStream("/qemu/" + name + ".gz")) {
      stream = new GZIPInputStream(file).readAllBytes();
    }
    StreamFeatures features =
        new StreamFeatures(
            name.startsWith("advised") || name.startsWith("postcopy"), name.startsWith("shared"));
    // All pages, and with a part of them beyond what the parameters know.
    for (long pages : new long[] {1 << 16, 600}) {
      EncoderStatistics statistics =
          pass(
              pages,
              encoder -> {
                MemoryEncoder in = new MemoryEncoder(encoder, pages);
                new QemuStreamReader(
                        Channels.newChannel(new ByteArrayInputStream(stream)), features, in)
                    .readAll();
              });
      assertThat(memory.toByteArray()).isEqualTo(stream);
      assertThat(statistics.first().total()).isGreaterThan(100);
    }
  }

  @Test
  void a_stream_that_is_unknown_passes_unharmed() throws Exception {
    byte[] stream = new byte[700_000];
    new Random(1).nextBytes(stream);
    ByteBuffer.wrap(stream).putInt(0x5145564d).putInt(3).put((byte) 0x55);
    pass(
        100,
        encoder ->
            new QemuStreamReader(
                    Channels.newChannel(new ByteArrayInputStream(stream)),
                    StreamFeatures.NONE,
                    new MemoryEncoder(encoder, 100))
                .readAll());
    assertThat(memory.toByteArray()).isEqualTo(stream);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void an_nbd_client_comes_out_as_it_went_in(long seed) throws Exception {
    Random random = new Random(seed);
    boolean extended = seed % 2 == 0;
    ByteBuffer client = ByteBuffer.allocate(40 << 20);
    client.putInt(3);
    for (int option : new int[] {5, 8, 11, 10, 7}) {
      byte[] data = new byte[random.nextInt(100)];
      client.putLong(0x49484156454F5054L).putInt(option).putInt(data.length).put(data);
    }
    long whole = 0;
    for (int i = 0; i < 400; i++) {
      int type = new int[] {1, 1, 1, 0, 3, 4, 6, 7}[random.nextInt(8)];
      long offset = random.nextInt((int) DISK_PAGES * PAGE);
      int length = random.nextInt(100_000);
      if (random.nextInt(3) > 0) {
        offset &= -PAGE;
        length &= -PAGE;
      } else if (random.nextBoolean()) {
        offset &= -512;
        length &= -512;
      }
      request(client, extended, type, offset, length);
      if (type == 1) {
        byte[] data = new byte[length];
        random.nextBytes(data);
        client.put(data);
        long first = (offset + PAGE - 1) / PAGE;
        whole += Math.max(0, Math.min(DISK_PAGES, (offset + length) / PAGE) - first);
      }
    }
    byte[] stream = new byte[client.position()];
    client.get(0, stream);
    EncoderStatistics statistics =
        pass(
            1,
            encoder -> {
              DiskEncoder in = new DiskEncoder(encoder, DISK_PAGES);
              for (int at = 0; at < stream.length; ) {
                int count = Math.min(stream.length - at, 1 + random.nextInt(9000));
                in.accept(ByteBuffer.wrap(stream, at, count));
                at += count;
              }
              assertThat(in.isOpaque()).isFalse();
            });
    assertThat(disk.toByteArray()).isEqualTo(stream);
    assertThat(statistics.first().total() + statistics.again().total()).isEqualTo(whole);
  }

  private static void request(
      ByteBuffer client, boolean extended, int type, long offset, int length) {
    client.putInt(extended ? 0x21e41c71 : 0x25609513).putShort((short) (type == 1 ? 1 : 0));
    client.putShort((short) type).putLong(offset * 31).putLong(offset);
    if (extended) {
      client.putLong(length);
    } else {
      client.putInt(length);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {11, 12, 13})
  void an_nbd_client_of_another_kind_passes_unharmed(long seed) throws Exception {
    byte[] stream = new byte[300_000];
    new Random(seed).nextBytes(stream);
    pass(
        1,
        encoder -> {
          DiskEncoder in = new DiskEncoder(encoder, DISK_PAGES);
          in.accept(ByteBuffer.wrap(stream));
          assertThat(in.isOpaque()).isTrue();
        });
    assertThat(disk.toByteArray()).isEqualTo(stream);
  }
}
