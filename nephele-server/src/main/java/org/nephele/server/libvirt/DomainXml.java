package org.nephele.server.libvirt;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.Settings;
import org.nephele.server.Settings.Accelerator;

/**
 * A domain's XML: read with DTDs and external entities off, changed as a tree, never as text.
 * Immutable; every change returns a new one. Thread-safe.
 */
public final class DomainXml {

  /**
   * Who a domain is.
   *
   * @param title one line for people; null for {@code nephele-UUID}
   */
  public record Identity(UUID uuid, String title, Mark mark) {}

  /**
   * @param xml at most 1 MiB
   * @throws NepheleException {@code REFUSED} when it isn't a libvirt domain
   */
  public static DomainXml parse(String xml) throws NepheleException {
    throw new UnsupportedOperationException();
  }

  /** Reads a template or a stored XML. */
  public static DomainXml read(Path file) throws NepheleException {
    throw new UnsupportedOperationException();
  }

  /**
   * What keeps this from being a template or an image, one sentence each: more than one disk, CD
   * drives, host devices, UEFI with NVRAM, a TPM, shared memory and the like. Empty when all is
   * well.
   */
  public List<String> unsupported() {
    throw new UnsupportedOperationException();
  }

  /**
   * The domain that an image is built in, from a template.
   *
   * @param vcpus null for the template's
   * @param memoryKib null for the template's, KiB
   * @param console where the serial console is logged
   * @param accelerator KVM or TCG, as {@link Capabilities#accelerator} says
   * @throws NepheleException {@code REFUSED} with a sentence for what the template or the title
   *     have that can't be
   */
  public DomainXml forBuild(
      Identity identity,
      Disk disk,
      Path console,
      Integer vcpus,
      Long memoryKib,
      Accelerator accelerator,
      Settings settings)
      throws NepheleException {
    throw new UnsupportedOperationException();
  }

  /**
   * The domain that takes a captured state, from the captured VM's {@link Vm#migratableXml}: the
   * same devices at the same addresses, the same CPU, memory, machine and MAC address, under
   * another identity and on another disk. QEMU waits for the state ({@code -incoming defer}).
   *
   * <p>The MAC address stays, because the guest has it in its memory already. Behind a user network
   * that harms nobody; on a bridge, two instances of one image have the same address.
   */
  public DomainXml forInstance(
      Identity identity, Disk.Overlay disk, Path console, Settings settings)
      throws NepheleException {
    throw new UnsupportedOperationException();
  }

  /**
   * The XML of a handoff's destination, from the source's {@link Vm#migratableXml}: the same
   * identity and devices, with the destination's paths, and without what waits for a restore.
   */
  public DomainXml forDestination(Disk.Overlay disk, Path console, Settings settings)
      throws NepheleException {
    throw new UnsupportedOperationException();
  }

  public UUID uuid() {
    throw new UnsupportedOperationException();
  }

  public String name() {
    throw new UnsupportedOperationException();
  }

  /** Empty text when there is none. */
  public String title() {
    throw new UnsupportedOperationException();
  }

  /** Empty when the domain isn't ours. */
  public Optional<Mark> mark() {
    throw new UnsupportedOperationException();
  }

  /** KVM or TCG. */
  public Accelerator accelerator() {
    throw new UnsupportedOperationException();
  }

  /** QEMU's machine type, such as {@code pc-i440fx-7.2}. */
  public String machine() {
    throw new UnsupportedOperationException();
  }

  /** The named CPU model, or empty. */
  public String cpuModel() {
    throw new UnsupportedOperationException();
  }

  public int vcpus() {
    throw new UnsupportedOperationException();
  }

  /** KiB. */
  public long memoryKib() {
    throw new UnsupportedOperationException();
  }

  public Disk disk() {
    throw new UnsupportedOperationException();
  }

  /** The log of the serial console, or empty. */
  public Optional<Path> console() {
    throw new UnsupportedOperationException();
  }

  /** Whether TCP ports can be forwarded: there is an {@code <interface type='user'>}. */
  public boolean forwardable() {
    throw new UnsupportedOperationException();
  }

  /** The XML as text. */
  @Override
  public String toString() {
    throw new UnsupportedOperationException();
  }
}
