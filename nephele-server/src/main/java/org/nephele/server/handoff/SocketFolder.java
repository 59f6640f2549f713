package org.nephele.server.handoff;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import jdk.net.ExtendedSocketOptions;
import org.nephele.core.io.DurableFiles;
import org.nephele.core.libvirtrpc.MigrationRules;
import org.nephele.server.libvirt.Arrival;

/**
 * Where QEMU and the agent meet during a handoff: a folder with the same path at both ends, because
 * libvirt uses one path for both. Not below {@code /run/nephele}, which is closed to everybody but
 * root. The AppArmor rule for QEMU that comes with this package names it.
 *
 * <p>QEMU's user may be hostile: root changes nothing in a folder that it may write to, and trusts
 * nothing that is found there.
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
   * Makes it, for root only so far.
   *
   * @param id of the handoff, 32 hex digits, checked before
   */
  static SocketFolder make(String id) throws IOException {
    return make(ROOT, id);
  }

  static SocketFolder make(Path root, String id) throws IOException {
    Files.createDirectories(root);
    Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwx--x--x"));
    Path folder = root.resolve(id);
    Files.createDirectory(folder);
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
    return new SocketFolder(folder);
  }

  /** Lets QEMU listen in it, at the destination. From now on root makes nothing in it. */
  void giveToQemu() throws IOException {
    giveToQemu(folder);
  }

  /**
   * Lets QEMU connect to what listens in it, at the source. Nobody but root can change or list what
   * is in it, and each socket is for QEMU's user alone.
   */
  void letQemuIn() throws IOException {
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
  }

  /**
   * That a QEMU has answered: what it listens on might have been replaced by a link to anything,
   * such as libvirtd's socket.
   */
  static void requireQemu(SocketChannel connected) throws IOException {
    UserPrincipal peer = connected.getOption(ExtendedSocketOptions.SO_PEERCRED).user();
    UserPrincipal qemu = Files.getOwner(QEMUS);
    if (!peer.getName().equals(qemu.getName())) {
      throw new IOException("it is not QEMU that listens there, but " + peer.getName());
    }
  }

  /** Removes what handoffs of an earlier agent left. */
  static void sweep() throws IOException {
    if (Files.isDirectory(ROOT)) {
      try (var folders = Files.newDirectoryStream(ROOT)) {
        for (Path folder : folders) {
          new SocketFolder(folder).close();
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

  /** What libvirt may be asked to do for an instance whose QEMU listens in this folder. */
  MigrationRules rules(Arrival arrival) {
    return new MigrationRules(
        new MigrationRules.Expected(
            arrival.name(), "unix://" + qemu(), "unix://" + nbd(), Arrival.flags()),
        arrival);
  }

  /** Listens on one of the paths for QEMU's user; while the folder is root's alone. */
  static ServerSocketChannel listenForQemu(Path path) throws IOException {
    ServerSocketChannel server = listen(path);
    try {
      giveToQemu(path);
      return server;
    } catch (IOException e) {
      server.close();
      throw e;
    }
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
    PosixFileAttributeView view =
        Files.getFileAttributeView(path, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
    view.setOwner(qemus.owner());
    view.setGroup(qemus.group());
  }

  @Override
  public void close() throws IOException {
    if (Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
      // Root's again, so that nobody puts links there while it is being emptied.
      Files.getFileAttributeView(folder, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
          .setOwner(Files.getOwner(folder.getParent()));
    }
    DurableFiles.deleteTree(folder);
  }
}
