package org.nephele.server.libvirt;

import java.nio.file.Path;

/**
 * Where libvirt's QEMU driver keeps things.
 *
 * @param state a folder for each domain, for its monitor and other sockets
 * @param run PID files
 * @param log QEMU's standard error
 */
record Folders(Path state, Path run, Path log) {
  private static final String EMBED = "qemu:///embed?root=";

  static Folders of(String uri) {
    if (uri.startsWith(EMBED)) {
      Path root = Path.of(uri.substring(EMBED.length()));
      return new Folders(
          root.resolve("lib/qemu"), root.resolve("run/qemu"), root.resolve("log/qemu"));
    }
    return new Folders(
        Path.of("/var/lib/libvirt/qemu"),
        Path.of("/run/libvirt/qemu"),
        Path.of("/var/log/libvirt/qemu"));
  }
}
