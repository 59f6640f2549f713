package org.nephele.core.format;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;

/**
 * Reads a delta (see the package's description) that may be hostile: everything is checked before
 * it is used. Holds one run (1 MiB). For one thread.
 */
public final class DeltaReader {
  private final DataInputStream in;
  private final long pages;
  private final byte[] content = new byte[DeltaWriter.MAX_CONTENT_RUN * Pages.SIZE];
  private long next;
  private boolean ended;

  /**
   * Pages that differ from the image's.
   *
   * @param first number of the first page
   * @param count of pages, at least 1
   * @param zero all of them are zeros; otherwise {@link #content} has them
   */
  public record Run(long first, long count, boolean zero) {}

  /**
   * @param pages how many the image's file has; nothing at or above that is let through
   */
  public DeltaReader(InputStream in, long pages) {
    this.in = new DataInputStream(in);
    this.pages = pages;
  }

  /**
   * The next run, empty at the end.
   *
   * @throws FormatException when it is no delta for a file of that size
   */
  public Optional<Run> next() throws IOException {
    if (ended) {
      return Optional.empty();
    }
    try {
      long first = in.readLong();
      int word = in.readInt();
      boolean zero = (word & DeltaWriter.ZERO) != 0;
      long count = word & ~DeltaWriter.ZERO;
      if (first == 0 && word == 0) {
        expectEnd();
        ended = true;
        return Optional.empty();
      }
      if (count == 0 || (!zero && count > DeltaWriter.MAX_CONTENT_RUN)) {
        throw new FormatException("a delta has a run of " + count + " pages");
      }
      if (first < next) {
        throw new FormatException("a delta's runs overlap or are out of order at page " + first);
      }
      if (first > pages - count) {
        throw new FormatException(
            "a delta has page " + first + ", beyond the image's " + pages + " pages");
      }
      next = first + count;
      if (!zero) {
        in.readFully(content, 0, (int) count * Pages.SIZE);
      }
      return Optional.of(new Run(first, count, zero));
    } catch (EOFException e) {
      throw new FormatException("a delta ends in the middle", e);
    }
  }

  private void expectEnd() throws IOException {
    // Also makes the zip's checksum be looked at, which happens at its end of file.
    if (in.read() >= 0) {
      throw new FormatException("a delta goes on after its end");
    }
  }

  /** The pages of the last run that isn't zero, from offset 0; overwritten by the next one. */
  public byte[] content() {
    return content;
  }
}
