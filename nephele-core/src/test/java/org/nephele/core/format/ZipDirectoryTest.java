package org.nephele.core.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Zips that would cost a reader its memory. */
class ZipDirectoryTest {
  private static final int END = 22;

  @TempDir Path folder;

  private byte[] zip(int entries) throws IOException {
    Path file = folder.resolve("good.zip");
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(file))) {
      for (int i = 0; i < entries; i++) {
        out.putNextEntry(new ZipEntry("entry" + i));
        out.write(("content" + i).getBytes(StandardCharsets.UTF_8));
        out.closeEntry();
      }
    }
    return Files.readAllBytes(file);
  }

  private Path file(byte[] bytes) throws IOException {
    return Files.write(folder.resolve("zip"), bytes);
  }

  /** The same zip with the long end record, which has the numbers instead of the short one. */
  private static byte[] withZip64(byte[] zip) {
    ByteBuffer in = ByteBuffer.wrap(zip).order(ByteOrder.LITTLE_ENDIAN);
    int end = zip.length - END;
    long entries = in.getShort(end + 10);
    ByteBuffer out = ByteBuffer.allocate(zip.length + 76).order(ByteOrder.LITTLE_ENDIAN);
    out.put(zip, 0, end);
    out.putInt(0x06064b50).putLong(44).putShort((short) 45).putShort((short) 45).putLong(0);
    out.putLong(entries).putLong(entries).putLong(in.getInt(end + 12)).putLong(in.getInt(end + 16));
    out.putInt(0x07064b50).putInt(0).putLong(end).putInt(1);
    out.putInt(0x06054b50).putInt(0).putShort((short) -1).putShort((short) -1);
    return out.putInt(-1).putInt(-1).putShort((short) 0).array();
  }

  private void assertRefused(byte[] bytes, String why) throws IOException {
    Path file = file(bytes);
    assertThatThrownBy(() -> ZipEntries.open(file))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining(why);
  }

  @Test
  void ordinaryZipsAreOpened() throws IOException {
    for (byte[] bytes : new byte[][] {zip(5), withZip64(zip(5))}) {
      try (ZipFile zip = ZipEntries.open(file(bytes))) {
        assertThat(ZipEntries.readSmall(zip, "entry4", 100)).asString().isEqualTo("content4");
      }
    }
  }

  @Test
  void aListOfEntriesThatFillsTheMemoryIsNotRead() throws IOException {
    Path file = folder.resolve("sparse.zip");
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      int length = 1 << 30;
      ByteBuffer end = ByteBuffer.allocate(END).order(ByteOrder.LITTLE_ENDIAN);
      end.putInt(0, 0x06054b50).putShort(8, (short) 1).putShort(10, (short) 1).putInt(12, length);
      sparse.seek(length);
      sparse.write(end.array());
    }
    assertThatThrownBy(() -> ZipEntries.open(file))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("lists more files");
    assertRefused(zip(65), "lists more files");
    assertRefused(withZip64(zip(65)), "lists more files");
  }

  @Test
  void endRecordsThatDisagreeAreRefused() throws IOException {
    byte[] bytes = withZip64(zip(5));
    int end64 = bytes.length - END - 20 - 56;
    byte[] offset = bytes.clone();
    // ZipFile falls back to the short record then, whose numbers were not looked at.
    Arrays.fill(offset, bytes.length - END + 16, bytes.length - END + 20, (byte) 1);
    assertRefused(offset, "contradicts itself");
    byte[] negative = bytes.clone();
    negative[end64 + 47] = (byte) 0x80;
    assertRefused(negative, "contradicts itself");
    byte[] elsewhere = bytes.clone();
    elsewhere[bytes.length - END - 20 + 8] ^= 1;
    assertRefused(elsewhere, "no complete zip");
  }

  @Test
  void onlyTheEndOfTheFileIsLookedAt() throws IOException {
    assertRefused(Arrays.copyOf(zip(5), zip(5).length + 1), "no complete zip");
    assertRefused(new byte[0], "no complete zip");
    assertThatThrownBy(() -> ZipEntries.open(folder))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("no regular file");
  }

  @Test
  void anEntryThatIsTooLongIsNotUnpacked() throws IOException {
    Path file = folder.resolve("bomb.zip");
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(file))) {
      out.putNextEntry(new ZipEntry("device.state"));
      for (int i = 0; i < 100; i++) {
        out.write(new byte[1 << 20]);
      }
      out.closeEntry();
    }
    try (ZipFile zip = ZipEntries.open(file)) {
      assertThatThrownBy(() -> ZipEntries.readSmall(zip, "device.state", 64 << 20))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("longer than");
    }
    // The same, with a small size in the list of entries.
    byte[] bytes = Files.readAllBytes(file);
    ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    in.putInt(in.getInt(bytes.length - END + 16) + 24, 1000);
    try (ZipFile zip = ZipEntries.open(file(bytes))) {
      assertThatThrownBy(() -> ZipEntries.readSmall(zip, "device.state", 64 << 20))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("another length");
    }
  }
}
