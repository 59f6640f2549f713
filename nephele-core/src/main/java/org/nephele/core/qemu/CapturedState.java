package org.nephele.core.qemu;

import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Path;
import java.util.Arrays;
import org.nephele.core.qemu.StreamEvent.Command;
import org.nephele.core.qemu.StreamEvent.OpaqueFromHere;
import org.nephele.core.qemu.StreamEvent.RamBlocks;
import org.nephele.core.qemu.StreamEvent.SectionEnd;
import org.nephele.core.qemu.StreamEvent.SectionPart;
import org.nephele.core.qemu.StreamEvent.XbzrlePage;

/**
 * Splits a migration stream into a memory file and the {@link DeviceState}. The memory file holds
 * all blocks one after the other, page by page, with holes for zeros.
 */
public final class CapturedState implements QemuStreamHandler, Closeable {
  private static final byte[] ZERO_PAGE = new byte[RamBlock.PAGE_SIZE];

  private enum Part {
    /** Header to the end of the block list's section. */
    PREFIX,
    ITERATIONS,
    SUFFIX
  }

  private final Path memoryFile;
  private final long mostMemory;
  private final boolean ignoreShared;
  private final StateProgress progress;
  private final ByteArrayOutputStream prefix = new ByteArrayOutputStream();
  private final QemuStreamWriter prefixWriter =
      new QemuStreamWriter(
          Channels.newChannel(prefix), ByteBuffer.allocate(QemuStreamParser.MIN_BUFFER));
  private final ByteArrayOutputStream suffix = new ByteArrayOutputStream();

  private Part part = Part.PREFIX;
  private RamLayout layout;
  private MemoryWriter memory;
  private boolean switchoverStart;
  private long handled;

  private CapturedState(
      Path memoryFile, long mostMemory, boolean ignoreShared, StateProgress progress) {
    this.memoryFile = memoryFile;
    this.mostMemory = mostMemory;
    this.ignoreShared = ignoreShared;
    this.progress = progress;
  }

  /**
   * Reads a stream to its end. A complete stream does not yet mean that the capture is good: QEMU
   * has to say so, too. On any error the memory file may be left behind, incomplete.
   *
   * @param in blocking; not closed
   * @param features of the QEMU that sends; no {@code postcopy-ram}
   * @param memoryFile does not exist yet; not flushed to disk here
   * @param mostMemory the most bytes of memory to accept, all blocks together
   * @throws QemuStreamException if the stream is damaged or incomplete
   * @throws IOException if it holds something that can't be stored, or writing fails
   */
  public static DeviceState read(
      ReadableByteChannel in,
      StreamFeatures features,
      Path memoryFile,
      long mostMemory,
      StateProgress progress)
      throws IOException {
    try (CapturedState captured =
        new CapturedState(memoryFile, mostMemory, features.ignoreShared(), progress)) {
      QemuStreamReader reader = new QemuStreamReader(in, features, captured);
      reader.readAll();
      return captured.finish(reader.offset());
    }
  }

  @Override
  public void event(StreamEvent event) throws IOException {
    if (event instanceof OpaqueFromHere opaque) {
      if (!opaque.ramComplete()) {
        throw refused(opaque.reason());
      }
      part = Part.SUFFIX;
    } else if (event instanceof Command command) {
      command(command);
    } else if (event instanceof XbzrlePage) {
      throw refused("a page delta, so capability xbzrle must be off");
    } else if (event instanceof SectionPart || event instanceof SectionEnd) {
      part = Part.ITERATIONS;
    } else if (part == Part.PREFIX) {
      prefix(event);
    }
  }

  private void command(Command command) throws IOException {
    switch (command.command()) {
      // Talk between the two QEMUs about answers, which a restore does not want.
      case Command.OPEN_RETURN_PATH, Command.PING -> {}
      case Command.SWITCHOVER_START -> switchoverStart = true;
      default -> throw refused("command " + command.command());
    }
  }

  private void prefix(StreamEvent event) throws IOException {
    if (event instanceof RamBlocks blocks) {
      layout = blocks.layout();
      if (layout.bytes() > mostMemory) {
        throw refused(
            "%d bytes of memory, more than the %d expected".formatted(layout.bytes(), mostMemory));
      }
      memory = new MemoryWriter(memoryFile, layout);
    }
    prefixWriter.event(event);
  }

  private static IOException refused(String what) {
    return new IOException("QEMU's state can't be stored: its stream has " + what);
  }

  @Override
  public void zeroPage(RamBlock block, long offset, boolean continued, byte fill)
      throws IOException {
    if (fill != 0) {
      byte[] filled = ZERO_PAGE.clone();
      Arrays.fill(filled, fill);
      memory.page(block.memoryPage(offset), ByteBuffer.wrap(filled));
    } else {
      memory.zero(block.memoryPage(offset));
    }
    handled += RamBlock.PAGE_SIZE;
  }

  @Override
  public void page(RamBlock block, long offset, boolean continued, ByteBuffer page)
      throws IOException {
    memory.page(block.memoryPage(offset), page);
    handled += RamBlock.PAGE_SIZE;
  }

  @Override
  public void opaque(ByteBuffer bytes) throws IOException {
    if (suffix.size() + bytes.remaining() > DeviceState.MOST_DEVICES) {
      throw refused("more than %d bytes of device state".formatted(DeviceState.MOST_DEVICES));
    }
    byte[] copy = new byte[bytes.remaining()];
    bytes.get(copy);
    suffix.writeBytes(copy);
  }

  @Override
  public void inputDry() throws IOException {
    if (layout != null) {
      progress.at(handled, layout.bytes());
    }
  }

  private DeviceState finish(long end) throws IOException {
    memory.finish();
    prefixWriter.flush();
    byte[] devices = suffix.toByteArray();
    if (!DeviceState.endsWithDescription(devices)) {
      throw new QemuStreamException(
          end, "it ends before the description of the devices that QEMU puts last");
    }
    return new DeviceState(
        ignoreShared, prefix.toByteArray(), switchoverStart, devices, memory.map());
  }

  @Override
  public void close() throws IOException {
    if (memory != null) {
      memory.close();
    }
  }
}
