package org.nephele.core.format;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;

/** Hashes files, and copies them while hashing. Stateless. */
public final class Hasher {
  private static final int CHUNK = 1 << 20;

  private Hasher() {}

  /** Called about once a MiB; what it throws ends the work. */
  @FunctionalInterface
  public interface Progress {
    void hashed(int bytes) throws IOException;
  }

  /** Reads a whole file. */
  public static Content hash(Path file, Progress progress) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      return copy(in, OutputStream.nullOutputStream(), Long.MAX_VALUE, progress);
    }
  }

  /**
   * Copies to the end of the stream.
   *
   * @throws FormatException when there is more than that many bytes
   */
  static Content copy(InputStream in, OutputStream out, long most, Progress progress)
      throws IOException {
    return drain(in, most, progress, out::write);
  }

  /**
   * Writes a new file to the end of the stream, with holes where there are pages of zeros.
   *
   * @throws FormatException when there is more than that many bytes
   */
  static Content copySparse(InputStream in, Path file, long most, Progress progress)
      throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      SparseWriter writer = new SparseWriter(channel);
      Content content =
          drain(in, most, progress, (bytes, offset, length) -> writer.write(bytes, length));
      writer.finish();
      return content;
    }
  }

  @FunctionalInterface
  private interface Sink {
    void write(byte[] bytes, int offset, int length) throws IOException;
  }

  private static Content drain(InputStream in, long most, Progress progress, Sink sink)
      throws IOException {
    MessageDigest digest = Content.digest();
    byte[] bytes = new byte[CHUNK];
    long total = 0;
    while (true) {
      int length = in.readNBytes(bytes, 0, CHUNK);
      total += length;
      if (total > most) {
        throw new FormatException("it holds more than its manifest says");
      }
      digest.update(bytes, 0, length);
      sink.write(bytes, 0, length);
      progress.hashed(length);
      if (length < CHUNK) {
        return Content.of(total, digest);
      }
    }
  }
}
