package org.nephele.core.format;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/** Entries of a zip that may be hostile: by fixed names, with bounded sizes and checked sums. */
final class ZipEntries {
  static final String MANIFEST = "manifest.json";
  static final String DOMAIN = "domain.xml";
  static final String DEVICE_STATE = "device.state";

  private ZipEntries() {}

  static ZipFile open(Path file) throws IOException {
    ZipDirectory.check(file);
    try {
      return new ZipFile(file.toFile());
    } catch (ZipException e) {
      throw new FormatException("it is no complete zip file (" + e.getMessage() + ")", e);
    }
  }

  /**
   * Reads a whole entry. Only one array of its size is taken, and only when it is allowed to be
   * that long.
   */
  static byte[] readSmall(ZipFile zip, String name, long most) throws IOException {
    long size = entry(zip, name).getSize();
    if (size > most) {
      throw new FormatException("its " + name + " is longer than " + most + " bytes");
    }
    try (InputStream in = stream(zip, name)) {
      byte[] bytes = new byte[Math.toIntExact(Math.max(size, 0))];
      if (in.readNBytes(bytes, 0, bytes.length) < bytes.length || in.read() >= 0) {
        throw new FormatException("its " + name + " has another length than the zip says");
      }
      return bytes;
    }
  }

  private static ZipEntry entry(ZipFile zip, String name) throws FormatException {
    ZipEntry entry = zip.getEntry(name);
    if (entry == null) {
      throw new FormatException("it has no " + name);
    }
    return entry;
  }

  /** The content; a read that reaches its end throws when the checksum is wrong. */
  static InputStream stream(ZipFile zip, String name) throws IOException {
    ZipEntry entry = entry(zip, name);
    return new Checked(zip.getInputStream(entry), name, entry.getCrc());
  }

  /** ZipFile, unlike ZipInputStream, does not look at checksums. */
  private static final class Checked extends InputStream {
    private final InputStream in;
    private final String name;
    private final long expected;
    private final CRC32 crc = new CRC32();

    Checked(InputStream in, String name, long expected) {
      this.in = in;
      this.name = name;
      this.expected = expected;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      int n;
      try {
        n = in.read(bytes, offset, length);
      } catch (ZipException e) {
        throw new FormatException("its " + name + " is damaged", e);
      }
      if (n > 0) {
        crc.update(bytes, offset, n);
      } else if (n < 0 && crc.getValue() != expected) {
        throw new FormatException("its " + name + " is damaged (the checksum is wrong)");
      }
      return n;
    }

    @Override
    public void close() throws IOException {
      in.close();
    }
  }

  static void writeSmall(ZipOutputStream zip, String name, byte[] bytes) throws IOException {
    zip.putNextEntry(new ZipEntry(name));
    zip.write(bytes);
    zip.closeEntry();
  }
}
