package org.nephele.server.snapshot;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.nephele.core.format.DeltaReader;
import org.nephele.core.format.DeltaWriter;
import org.nephele.core.format.FormatException;
import org.nephele.core.format.PageDiff;
import org.nephele.core.format.Pages;
import org.nephele.core.format.SnapshotZip;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.nephele.core.qemu.DeltaPages;
import org.nephele.core.qemu.DeviceState;
import org.nephele.core.qemu.MemoryFile;
import org.nephele.core.qemu.PageSource;
import org.nephele.core.qemu.RamLayout;
import org.nephele.core.qemu.RestoreStream;
import org.nephele.core.qemu.RestoreStream.ZeroPages;
import org.nephele.server.image.Captured;
import org.nephele.server.image.Image;
import org.nephele.server.libvirt.DomainXml;
import org.nephele.server.libvirt.Hypervisor;
import org.nephele.server.libvirt.Restore;
import org.nephele.server.libvirt.Vm;
import org.nephele.server.operation.Work;

/** The difference between a captured memory and its image's, both ways. Stateless. */
public final class MemoryDelta {
  private MemoryDelta() {}

  /**
   * Writes what a captured memory changes.
   *
   * @param base the image's memory
   * @param memory as long as the base
   */
  static void write(Work work, Path base, Path memory, DeltaWriter delta) throws IOException {
    try (FileChannel baseFile = FileChannel.open(base);
        FileChannel memoryFile = FileChannel.open(memory)) {
      long bytes = baseFile.size();
      if (memoryFile.size() != bytes) {
        throw new IOException(
            "the VM has " + memoryFile.size() + " bytes of memory, its image " + bytes);
      }
      new PageDiff(baseFile, delta)
          .compare(
              memoryFile,
              0,
              0,
              Pages.count(bytes),
              done -> {
                Cancelled.check(work);
                work.progress("comparing memory", done, bytes, "bytes");
              });
    }
  }

  /**
   * That a captured state is in the same RAM blocks as its image's, so that pages of one address
   * are the same page.
   *
   * @throws NepheleException REFUSED
   */
  static void requireSameBlocks(Image image, Captured captured)
      throws NepheleException, IOException {
    // One after the other: a device state may be long.
    RamLayout before = DeviceState.parse(image.readDeviceState()).layout();
    RamLayout now = DeviceState.parse(Files.readAllBytes(captured.deviceState())).layout();
    if (!before.equals(now)) {
      throw new NepheleException(
          ErrorKind.REFUSED,
          "The VM has other memory than its image: a device was added to it or removed. There can"
              + " be no snapshot of it as it is; let it go on ('thaw'), undo that, and pause it"
              + " again.");
    }
  }

  /** Starts a VM in the state of an image; it is left paused. */
  static Vm restore(Work work, Hypervisor hypervisor, DomainXml xml, Image image)
      throws NepheleException, IOException {
    DeviceState state = DeviceState.parse(image.readDeviceState());
    try (FileChannel memory = FileChannel.open(image.memory())) {
      PageSource pages = new MemoryFile(memory, state.layout());
      return restore(work, hypervisor, xml, stream -> write(stream, state, pages, work));
    }
  }

  /**
   * Starts a VM in the state of a snapshot; it is left paused.
   *
   * @throws FormatException when the snapshot is damaged; the VM is destroyed then
   */
  public static Vm restore(
      Work work, Hypervisor hypervisor, DomainXml xml, Image image, SnapshotZip snapshot)
      throws NepheleException, IOException {
    DeviceState state = DeviceState.parse(snapshot.deviceState());
    DeltaReader delta = snapshot.memory();
    try (FileChannel memory = FileChannel.open(image.memory())) {
      PageSource pages = new DeltaPages(new MemoryFile(memory, state.layout()), delta);
      // The reader's own words are worth more than what QEMU says of a stream that breaks off.
      AtomicReference<FormatException> broken = new AtomicReference<>();
      try {
        return restore(
            work,
            hypervisor,
            xml,
            stream -> {
              try {
                write(stream, state, pages, work);
                drain(delta);
              } catch (FormatException e) {
                broken.set(e);
                throw e;
              }
            });
      } catch (NepheleException e) {
        if (broken.get() != null) {
          throw broken.get();
        }
        throw e;
      }
    }
  }

  /** Only its end tells whether all of it was sound; the VM does not run before. */
  private static void drain(DeltaReader delta) throws IOException {
    Optional<DeltaReader.Run> left = delta.next();
    while (left.isPresent()) {
      left = delta.next();
    }
  }

  private static void write(
      WritableByteChannel stream, DeviceState state, PageSource pages, Work work)
      throws IOException {
    RestoreStream.write(
        stream,
        state,
        pages,
        // No image has memory on a file or shared memory: DomainXml refuses them.
        ZeroPages.SKIP_IN_FRESH_MEMORY,
        (done, total) -> {
          Cancelled.check(work);
          work.progress("memory", done, total, "bytes");
        });
  }

  private static Vm restore(
      Work work, Hypervisor hypervisor, DomainXml xml, Restore.StreamWriter writer)
      throws NepheleException {
    Restore restore = new Restore(hypervisor, xml);
    Work.Registration hook = work.onCancel(restore::cancel);
    try {
      return restore.run(writer);
    } finally {
      hook.close();
    }
  }
}
