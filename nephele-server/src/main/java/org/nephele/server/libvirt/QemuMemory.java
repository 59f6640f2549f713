package org.nephele.server.libvirt;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.nephele.core.qemu.MissedPages;
import org.nephele.core.qemu.RamBlock;

/**
 * A guest's memory read from the QEMU process, from outside, as root: the monitor is libvirt's
 * while it migrates. QEMU maps each block of RAM by itself, so a block is the one mapping that is
 * as long as it is; where two blocks are equally long, neither can be told. Pages that QEMU has
 * given back read as zeros, as the guest sees them. Not thread-safe.
 */
public final class QemuMemory implements MissedPages.GuestMemory, Closeable {
  /** {@code 7f0000000000-7f0040000000 rw-p 00000000 00:00 0}: private, and no file. */
  private static final Pattern ANONYMOUS =
      Pattern.compile("^([0-9a-f]{1,16})-([0-9a-f]{1,16}) rw-p 0+ 00:00 0\\s*$");

  private static final long AMBIGUOUS = -1;

  private final FileChannel process;

  /** Length to address. */
  private final Map<Long, Long> mappings;

  private QemuMemory(FileChannel process, Map<Long, Long> mappings) {
    this.process = process;
    this.mappings = mappings;
  }

  /**
   * @throws NepheleException {@code REFUSED} when the guest's main memory can't be told from QEMU's
   *     other memory
   */
  public static QemuMemory open(Vm vm) throws NepheleException {
    long main = vm.xml().memoryKib() * 1024;
    Path folder = Path.of("/proc", Long.toString(vm.pid()));
    try {
      QemuMemory memory =
          new QemuMemory(FileChannel.open(folder.resolve("mem")), mappings(folder.resolve("maps")));
      if (!memory.has(main)) {
        memory.close();
        throw new NepheleException(
            ErrorKind.REFUSED,
            "The memory of " + vm + " can't be found in its QEMU process, so it can't be checked.");
      }
      return memory;
    } catch (IOException e) {
      throw new NepheleException(
          ErrorKind.FAILED, "The memory of " + vm + " can't be read: " + e.getMessage(), e);
    }
  }

  private static Map<Long, Long> mappings(Path maps) throws IOException {
    Map<Long, Long> found = new HashMap<>();
    for (String line : Files.readAllLines(maps)) {
      Matcher matcher = ANONYMOUS.matcher(line);
      if (matcher.matches()) {
        long from = Long.parseUnsignedLong(matcher.group(1), 16);
        long length = Long.parseUnsignedLong(matcher.group(2), 16) - from;
        found.merge(length, from, (a, b) -> AMBIGUOUS);
      }
    }
    return found;
  }

  private boolean has(long length) {
    return mappings.getOrDefault(length, AMBIGUOUS) != AMBIGUOUS;
  }

  @Override
  public boolean has(RamBlock block) {
    // Only RAM: option ROMs and the like are as long as other buffers of QEMU by chance.
    return block.name().endsWith(".ram") && has(block.length());
  }

  @Override
  public void read(RamBlock block, long offset, ByteBuffer into) throws IOException {
    long at = mappings.get(block.length()) + offset;
    while (into.hasRemaining()) {
      int count = process.read(into, at);
      if (count < 0) {
        throw new EOFException("QEMU's memory ends at " + at);
      }
      at += count;
    }
    into.flip();
  }

  @Override
  public void close() throws IOException {
    process.close();
  }
}
