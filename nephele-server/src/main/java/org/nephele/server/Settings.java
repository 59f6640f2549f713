package org.nephele.server;

import java.io.IOException;
import java.io.Reader;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;

/**
 * The node's settings, from /etc/nephele/nephele.conf ({@code key = value} lines, {@code #}
 * comments). Everything has a default; an unknown key is an error, since it is a misspelt one.
 *
 * @param accelerator how guests run
 * @param emulator path of the QEMU binary; empty for the one libvirt chooses
 * @param cpuModel libvirt's name of the CPU that guests see; hosts that hand VMs to each other need
 *     the same
 * @param machine libvirt's machine type; empty for what the template says
 * @param forwardAddress where {@code -p} ports of instances listen
 * @param libvirtUri the hypervisor
 * @param nodeKey the private key this node shows to other nodes
 */
public record Settings(
    Accelerator accelerator,
    String emulator,
    String cpuModel,
    String machine,
    String forwardAddress,
    String libvirtUri,
    Path nodeKey) {
  public static final Path FILE = Path.of("/etc/nephele/nephele.conf");
  public static final Path TEMPLATE = Path.of("/etc/nephele/VM_TEMPLATE.xml");

  /** What runs a guest's instructions. AUTO is KVM where it can be opened, else TCG. */
  public enum Accelerator {
    AUTO,
    KVM,
    TCG
  }

  private static final Set<String> KEYS =
      new TreeSet<>(
          Set.of(
              "accelerator",
              "emulator",
              "cpu-model",
              "machine",
              "forward-address",
              "libvirt-uri",
              "node-key"));

  public static Settings defaults() {
    try {
      return of(new Properties());
    } catch (NepheleException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Reads the file; a missing one means the defaults. */
  public static Settings read(Path file) throws NepheleException {
    Properties properties = new Properties();
    if (Files.exists(file)) {
      try (Reader reader = Files.newBufferedReader(file)) {
        properties.load(reader);
      } catch (IOException | IllegalArgumentException e) {
        throw new NepheleException(
            ErrorKind.FAILED, "The settings " + file + " can't be read: " + e.getMessage(), e);
      }
    }
    return of(properties);
  }

  static Settings of(Properties properties) throws NepheleException {
    for (String key : properties.stringPropertyNames()) {
      if (!KEYS.contains(key)) {
        throw new NepheleException(
            ErrorKind.USAGE,
            FILE
                + ": there is no setting '"
                + key
                + "'; known are "
                + String.join(", ", KEYS)
                + ".");
      }
    }
    String accelerator = properties.getProperty("accelerator", "auto").trim();
    String nodeKey = properties.getProperty("node-key", "/etc/nephele/node_key").trim();
    if (!nodeKey.startsWith("/") || nodeKey.indexOf('\0') >= 0) {
      throw new NepheleException(
          ErrorKind.USAGE, FILE + ": node-key must be an absolute path, not '" + nodeKey + "'.");
    }
    String address = properties.getProperty("forward-address", "0.0.0.0").trim();
    try {
      // QEMU's user network forwards IPv4 only.
      if (!address.matches("[0-9]{1,3}(\\.[0-9]{1,3}){3}")) {
        throw new UnknownHostException("not a numeric IPv4 address");
      }
      return new Settings(
          Accelerator.valueOf(accelerator.toUpperCase(Locale.ROOT)),
          properties.getProperty("emulator", "").trim(),
          properties.getProperty("cpu-model", "Westmere").trim(),
          properties.getProperty("machine", "").trim(),
          InetAddress.getByName(address).getHostAddress(),
          properties.getProperty("libvirt-uri", "qemu:///system").trim(),
          Path.of(nodeKey));
    } catch (UnknownHostException e) {
      throw new NepheleException(
          ErrorKind.USAGE,
          FILE + ": forward-address must be a numeric IPv4 address, not '" + address + "'.");
    } catch (IllegalArgumentException e) {
      throw new NepheleException(
          ErrorKind.USAGE,
          FILE + ": accelerator must be auto, kvm or tcg, not '" + accelerator + "'.");
    }
  }
}
