package org.nephele.core.codec;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;
import java.util.zip.CheckedInputStream;
import java.util.zip.CheckedOutputStream;
import org.nephele.core.reference.Location;

/**
 * Keeps {@link SentPages} beyond a stream, for the way back: beside the file with the pages'
 * content a small one with everything else. Stateless. The small file, big-endian:
 *
 * <pre>
 *   u64 "NPHSPOOL"   u32 version = 1
 *   u32 limit   u32 slots   u32 first free slot (or −1)   u32 free slots
 *   4 tables (locations of memory, of disk, uses, free bits), each:
 *     u64 size   { u32 piece   16384 × u32 }*   u32 −1       pieces of zeros are left out
 *   u32 CRC32C of all before
 * </pre>
 */
public final class SentPagesState {
  private static final long MAGIC = 0x4E50485350_4F4F4CL;
  private static final int VERSION = 1;

  private SentPagesState() {}

  /**
   * Writes the state of pages that stay, and flushes their content. To be published durably by the
   * caller; the pages must not change any more.
   */
  public static void save(SentPages pages, Path state) throws IOException {
    pages.flush();
    pages.file().force(true);
    try (OutputStream out =
        Files.newOutputStream(state, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      write(pages, out);
    }
  }

  /**
   * Opens what {@link #save} wrote. From here on the content may change, so the state file is good
   * for nothing any more, whatever becomes of the stream: the caller deletes it.
   *
   * @throws IOException also when the files are damaged, or were made with other parameters: then
   *     the caller starts with an empty store
   */
  public static SentPages open(Path content, Path state, StreamParameters parameters)
      throws IOException {
    FileChannel file = FileChannel.open(content, StandardOpenOption.READ, StandardOpenOption.WRITE);
    try (InputStream in = Files.newInputStream(state)) {
      SentPages pages = new SentPages(file, parameters);
      read(pages, parameters, in);
      return pages;
    } catch (IOException e) {
      file.close();
      throw e;
    }
  }

  /**
   * A number that is equal at both ends when both hold the same pages at the same addresses; 0 for
   * an empty store. Tells nothing about damage to the content: the digest in every frame does.
   */
  public static long fingerprint(SentPages pages) {
    if (pages.slots() == 0 && isZero(pages.locations(Space.MEMORY), pages.locations(Space.DISK))) {
      return 0;
    }
    try {
      return 1L << 32 | write(pages, OutputStream.nullOutputStream());
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static boolean isZero(IntTable... tables) {
    for (IntTable table : tables) {
      for (int piece = 0; piece < table.pieces(); piece++) {
        if (!table.isZero(piece)) {
          return false;
        }
      }
    }
    return true;
  }

  /** Returns the checksum at the end of what it writes. */
  private static long write(SentPages pages, OutputStream target) throws IOException {
    CRC32C crc = new CRC32C();
    DataOutputStream out =
        new DataOutputStream(
            new BufferedOutputStream(new CheckedOutputStream(target, crc), 1 << 16));
    out.writeLong(MAGIC);
    out.writeInt(VERSION);
    out.writeInt((int) pages.uses().size());
    out.writeInt(pages.slots());
    out.writeInt(pages.firstFree());
    out.writeInt(pages.freeSlots());
    for (Space space : Space.values()) {
      writeTable(pages.locations(space), out);
    }
    writeTable(pages.uses(), out);
    writeTable(pages.free(), out);
    out.flush();
    long checksum = crc.getValue();
    out.writeInt((int) checksum);
    out.flush();
    return checksum;
  }

  private static void writeTable(IntTable table, DataOutputStream out) throws IOException {
    out.writeLong(table.size());
    for (int piece = 0; piece < table.pieces(); piece++) {
      if (!table.isZero(piece)) {
        out.writeInt(piece);
        for (long i = 0; i < IntTable.PIECE; i++) {
          out.writeInt(table.get((long) piece * IntTable.PIECE + i));
        }
      }
    }
    out.writeInt(-1);
  }

  private static void read(SentPages pages, StreamParameters parameters, InputStream source)
      throws IOException {
    CRC32C crc = new CRC32C();
    // The checksum is taken outside of the buffer, which runs ahead.
    DataInputStream in =
        new DataInputStream(new CheckedInputStream(new BufferedInputStream(source, 1 << 16), crc));
    if (in.readLong() != MAGIC
        || in.readInt() != VERSION
        || in.readInt() != parameters.sentPagesLimit()) {
      throw new IOException("The state of the pages sent is of another kind.");
    }
    pages.restore(in.readInt(), in.readInt(), in.readInt());
    for (Space space : Space.values()) {
      readTable(pages.locations(space), in);
    }
    readTable(pages.uses(), in);
    readTable(pages.free(), in);
    int computed = (int) crc.getValue();
    if (in.readInt() != computed || !isSound(pages, parameters)) {
      throw damaged();
    }
  }

  private static void readTable(IntTable table, DataInputStream in) throws IOException {
    if (in.readLong() != table.size()) {
      throw new IOException("The state of the pages sent has other sizes.");
    }
    int last = -1;
    for (int piece = in.readInt(); piece != -1; piece = in.readInt()) {
      if (piece <= last || piece >= table.pieces()) {
        throw damaged();
      }
      last = piece;
      for (long i = 0; i < IntTable.PIECE; i++) {
        table.put((long) piece * IntTable.PIECE + i, in.readInt());
      }
    }
  }

  /** Slots must be in range and in the file, whatever the checksum says. */
  private static boolean isSound(SentPages pages, StreamParameters parameters) throws IOException {
    if (pages.slots() < 0
        || pages.slots() > parameters.sentPagesLimit()
        || pages.firstFree() >= pages.slots()
        || pages.file().size() < pages.bytes()) {
      return false;
    }
    for (Space space : Space.values()) {
      IntTable table = pages.locations(space);
      for (long page = 0; page < table.size(); page++) {
        int location = table.get(page);
        if (Location.kind(location) == Location.SENT && !pages.isLive(Location.page(location))) {
          return false;
        }
      }
    }
    return true;
  }

  private static IOException damaged() {
    return new IOException("The state of the pages sent is damaged.");
  }
}
