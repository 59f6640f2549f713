package org.nephele.server.libvirt;

import static org.assertj.core.api.Assumptions.assumeThat;

import com.sun.jna.Library;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.Settings;
import org.nephele.server.Settings.Accelerator;

/**
 * libvirt's real QEMU driver inside this process, with a folder of its own for everything: no
 * libvirtd, no other VM of the machine is touched. QEMU runs as root. libvirt takes one such driver
 * in a process, so all tests share it, until the process ends.
 */
final class EmbeddedLibvirt {
  private static final Path DRIVER =
      Path.of("/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_qemu.so");

  /** Counts at 0x8000 in memory and says so on the serial port, one line a round. */
  private static final byte[] BOOT_SECTOR =
      bytes(
          0x31, 0xC0, // xor ax,ax
          0x8E, 0xD8, // mov ds,ax
          0x66, 0xFF, 0x06, 0x00, 0x80, // round: inc dword [0x8000]
          0xBA, 0xF8, 0x03, // mov dx,0x3f8
          0xB0, 't', 0xEE, // mov al,'t'; out dx,al
          0xB0, '\n', 0xEE, // mov al,10; out dx,al
          0xB9, 0xFF, 0xFF, // mov cx,0xffff
          0xE2, 0xFE, // loop $
          0xEB, 0xEB); // jmp round

  /** What Java can't do: libvirt reads its own environment. */
  private interface Environment extends Library {
    int setenv(String name, String value, int overwrite);
  }

  private final Path root;

  private final Hypervisor hypervisor;

  private EmbeddedLibvirt(Path root, Hypervisor hypervisor) {
    this.root = root;
    this.hypervisor = hypervisor;
  }

  private static EmbeddedLibvirt shared;

  static synchronized EmbeddedLibvirt shared() throws IOException, NepheleException {
    if (shared == null) {
      shared = open();
      Runtime.getRuntime().addShutdownHook(new Thread(shared::close));
    }
    return shared;
  }

  private static EmbeddedLibvirt open() throws IOException, NepheleException {
    assumeThat(DRIVER).as("package libvirt-daemon-driver-qemu").exists();
    assumeThat(Files.getAttribute(Path.of("/proc/self"), "unix:uid")).as("root").isEqualTo(0);
    Environment c = com.sun.jna.Native.load("c", Environment.class);
    c.setenv("LIBVIRT_DEBUG", "4", 1); // only errors on standard error
    Path root = shortFolder();
    Files.createDirectories(root.resolve("etc"));
    // No virtlogd and no libvirt-qemu user, which come with the daemon's packages. As root: a
    // /dev/kvm that QEMU's user can't open makes libvirt probe QEMU at every start, for 10 s.
    Files.writeString(
        root.resolve("etc/qemu.conf"),
        """
        stdio_handler = "file"
        user = "root"
        group = "root"
        security_driver = "none"
        """);
    Settings defaults = Settings.defaults();
    Settings settings =
        new Settings(
            Accelerator.TCG,
            defaults.emulator(),
            defaults.cpuModel(),
            defaults.machine(),
            defaults.forwardAddress(),
            "qemu:///embed?root=" + root,
            defaults.nodeKey());
    return new EmbeddedLibvirt(root, Hypervisor.open(settings));
  }

  Hypervisor hypervisor() {
    return hypervisor;
  }

  Path folder() {
    return root;
  }

  /** A VM of 64 MiB that counts, not started. */
  DomainXml countingVm(String title) throws IOException, NepheleException {
    UUID uuid = UUID.randomUUID();
    Path disk = root.resolve(uuid + ".raw");
    byte[] content = new byte[1 << 20];
    System.arraycopy(BOOT_SECTOR, 0, content, 0, BOOT_SECTOR.length);
    content[510] = 0x55;
    content[511] = (byte) 0xAA;
    Files.write(disk, content);
    return DomainXml.read(Path.of("src/dist/etc/nephele/VM_TEMPLATE.xml"))
        .forBuild(
            identity(uuid, title),
            new Disk.Raw(disk),
            console(uuid),
            1,
            64L << 10,
            Accelerator.TCG,
            hypervisor.settings());
  }

  DomainXml.Identity identity(UUID uuid, String title) {
    return new DomainXml.Identity(
        uuid, title, new Mark(Mark.Role.INSTANCE, Map.of("image", "0123456789ab")));
  }

  Path console(UUID uuid) {
    return root.resolve(uuid + ".console");
  }

  Disk.Overlay overlayOf(Path raw) throws IOException, InterruptedException {
    Path overlay = root.resolve(UUID.randomUUID() + ".qcow2");
    Process process =
        new ProcessBuilder(
                "qemu-img",
                "create",
                "-q",
                "-f",
                "qcow2",
                "-F",
                "raw",
                "-b",
                "" + raw,
                "" + overlay)
            .inheritIO()
            .start();
    if (!process.waitFor(20, TimeUnit.SECONDS) || process.exitValue() != 0) {
      throw new IOException("qemu-img failed");
    }
    return new Disk.Overlay(overlay, raw);
  }

  /** The number in the guest's memory. */
  static long count(Vm vm) throws NepheleException {
    String[] words = vm.hmp("xp /1uw 0x8000").strip().split(" ");
    return Long.parseLong(words[words.length - 1]);
  }

  private static byte[] bytes(int... values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return bytes;
  }

  private void close() {
    try {
      for (Vm vm : hypervisor.list()) {
        vm.destroy();
      }
      hypervisor.close();
      delete(root);
    } catch (IOException | NepheleException e) {
      throw new IllegalStateException(e);
    }
  }

  /** A new folder; a socket's path has 107 bytes at most, and libvirt makes long ones. */
  static Path shortFolder() throws IOException {
    Path folder =
        Files.createDirectory(
            Path.of("/tmp/nlv" + Integer.toHexString(new SecureRandom().nextInt() & 0xFFFFF)));
    return Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
  }

  static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted((a, b) -> b.compareTo(a)).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }
}
