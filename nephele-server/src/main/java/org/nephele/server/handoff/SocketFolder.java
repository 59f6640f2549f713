package org.nephele.server.handoff;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import org.nephele.core.io.DurableFiles;

/**
 * Where QEMU and the agent meet during a handoff: a folder of QEMU's user, with the same path at
 * both ends, because libvirt uses one path for both. Not below {@code /run/nephele}, which is
 * closed to everybody but root. The AppArmor rule for QEMU that comes with this package names it.
 */
final class SocketFolder implements AutoCloseable {
  static final Path ROOT = Path.of("/run/nephele-handoff");

  /** Belongs to the user that libvirt runs QEMU as, whatever the distribution calls it. */
  private static final Path QEMUS = Path.of("/var/lib/libvirt/qemu");

  private final Path folder;

  private SocketFolder(Path folder) {
    this.folder = folder;
  }

  /**
   * @param id of the handoff, 32 hex digits, checked before
   */
  static SocketFolder make(String id) throws IOException {
    Files.createDirectories(ROOT);
    Files.setPosixFilePermissions(ROOT, PosixFilePermissions.fromString("rwx--x--x"));
    Path folder = ROOT.resolve(id);
    Files.createDirectory(folder);
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
    giveToQemu(folder);
    return new SocketFolder(folder);
  }

  /** Removes what handoffs of an earlier agent left. */
  static void sweep() throws IOException {
    if (Files.isDirectory(ROOT)) {
      try (var folders = Files.newDirectoryStream(ROOT)) {
        for (Path folder : folders) {
          DurableFiles.deleteTree(folder);
        }
      }
    }
  }

  /** Memory and device state. */
  Path qemu() {
    return folder.resolve("qemu.sock");
  }

  /** The disk. */
  Path nbd() {
    return folder.resolve("nbd.sock");
  }

  /** Listens on one of the paths; QEMU may connect. */
  static ServerSocketChannel listenForQemu(Path path) throws IOException {
    ServerSocketChannel server = listen(path);
    giveToQemu(path);
    return server;
  }

  /** Listens for root only, in a folder that only root may enter. */
  static ServerSocketChannel listen(Path path) throws IOException {
    ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    try {
      server.bind(UnixDomainSocketAddress.of(path));
      Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
      return server;
    } catch (IOException e) {
      server.close();
      throw e;
    }
  }

  private static void giveToQemu(Path path) throws IOException {
    PosixFileAttributes qemus = Files.readAttributes(QEMUS, PosixFileAttributes.class);
    PosixFileAttributeView view = Files.getFileAttributeView(path, PosixFileAttributeView.class);
    view.setOwner(qemus.owner());
    view.setGroup(qemus.group());
  }

  @Override
  public void close() throws IOException {
    DurableFiles.deleteTree(folder);
  }
}
