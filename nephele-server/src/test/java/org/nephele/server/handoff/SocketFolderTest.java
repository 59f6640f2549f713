package org.nephele.server.handoff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** As root, beside an installed libvirt; elsewhere there is nothing to give away. */
class SocketFolderTest {
  private static final Path QEMUS = Path.of("/var/lib/libvirt/qemu");
  private static final String ID = "0123456789abcdef0123456789abcdef";

  @TempDir Path root;

  @BeforeEach
  void needsRootAndLibvirt() throws IOException {
    assumeTrue(Files.getOwner(root).getName().equals("root") && Files.isDirectory(QEMUS));
    assumeTrue(!Files.getOwner(QEMUS).getName().equals("root"));
  }

  @Test
  void atTheSourceTheFolderStaysRootsAndTheSocketIsQemus() throws IOException {
    try (SocketFolder folder = SocketFolder.make(root, ID)) {
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(root.resolve(ID))))
          .isEqualTo("rwx------");
      try (ServerSocketChannel server = SocketFolder.listenForQemu(folder.qemu())) {
        folder.letQemuIn();

        assertThat(server.isOpen()).isTrue();
        assertThat(Files.getOwner(root.resolve(ID)).getName()).isEqualTo("root");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(root.resolve(ID))))
            .isEqualTo("rwx--x--x");
        assertThat(Files.getOwner(folder.qemu())).isEqualTo(Files.getOwner(QEMUS));
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.qemu())))
            .isEqualTo("rw-------");
      }
    }
    assertThat(root.resolve(ID)).doesNotExist();
  }

  @Test
  void whatAnswersAtTheDestinationMustBeQemu() throws IOException {
    Path libvirtd = root.resolve("libvirtd");
    try (SocketFolder folder = SocketFolder.make(root, ID);
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(libvirtd));
      folder.giveToQemu();
      assertThat(Files.getOwner(root.resolve(ID))).isEqualTo(Files.getOwner(QEMUS));
      Files.createSymbolicLink(folder.qemu(), libvirtd);

      try (SocketChannel socket = SocketChannel.open(UnixDomainSocketAddress.of(folder.qemu()))) {
        assertThatThrownBy(() -> SocketFolder.requireQemu(socket))
            .isInstanceOf(IOException.class)
            .hasMessageContaining("not QEMU");
      }
    }
  }

  @Test
  void removingFollowsNoLinks() throws IOException {
    Path outside = Files.createDirectory(root.resolve("outside"));
    Files.writeString(outside.resolve("file"), "kept");
    SocketFolder folder = SocketFolder.make(root, ID);
    folder.giveToQemu();
    Files.createSymbolicLink(folder.qemu(), outside);
    Files.createSymbolicLink(folder.nbd(), outside.resolve("file"));

    folder.close();
    folder.close(); // again, when nothing is there

    assertThat(Files.exists(root.resolve(ID), LinkOption.NOFOLLOW_LINKS)).isFalse();
    assertThat(outside.resolve("file")).hasContent("kept");
    assertThat(Files.getOwner(outside).getName()).isEqualTo("root");
  }
}
