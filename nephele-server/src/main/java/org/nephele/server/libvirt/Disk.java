package org.nephele.server.libvirt;

import java.nio.file.Path;

/** The one disk of a VM. Paths are absolute. */
public sealed interface Disk {
  /** The file QEMU writes. */
  Path file();

  /** A raw file, while an image is built. libvirt gives it to QEMU's user. */
  record Raw(Path file) implements Disk {}

  /**
   * A qcow2 overlay on an image's raw disk.
   *
   * @param backing never written, never chowned by libvirt
   */
  record Overlay(Path file, Path backing) implements Disk {}
}
