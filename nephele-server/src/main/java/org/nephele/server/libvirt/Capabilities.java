package org.nephele.server.libvirt;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.libvirt.LibvirtException;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.Settings;
import org.nephele.server.Settings.Accelerator;
import org.w3c.dom.Element;

/**
 * What the node's libvirt and QEMU can do.
 *
 * @param libvirtVersion {@code 9.0.0}
 * @param qemuVersion of the emulator, {@code 7.2.22}
 * @param hostUuid libvirt's; two nodes with the same one can't hand VMs to each other
 * @param kvmUsable libvirt found QEMU to start with KVM. Says nothing about whether guests run well
 * @param accelerator what {@link Settings#accelerator} comes to: KVM or TCG
 * @param emulator the QEMU that runs the VMs: that of the settings, or libvirt's choice
 * @param machines QEMU's machine types, with their aliases
 * @param cpuModels named models that this accelerator can give a guest here
 */
public record Capabilities(
    String libvirtVersion,
    String qemuVersion,
    UUID hostUuid,
    boolean kvmUsable,
    Accelerator accelerator,
    Path emulator,
    Set<String> machines,
    Set<String> cpuModels) {
  private static final Pattern VERSION = Pattern.compile("version (\\d+(\\.\\d+)+)");

  static Capabilities of(Connection connection, Settings settings)
      throws LibvirtException, NepheleException {
    String wanted = settings.emulator().isEmpty() ? null : settings.emulator();
    Optional<String> kvm = connection.domainCapabilities(wanted, "kvm");
    Optional<String> chosen = kvm;
    if (settings.accelerator() == Accelerator.TCG || kvm.isEmpty()) {
      chosen = connection.domainCapabilities(wanted, "qemu");
    }
    if (chosen.isEmpty()) {
      throw new NepheleException(
          ErrorKind.FAILED,
          "libvirt can't use "
              + (wanted == null ? "any QEMU for x86-64" : "the emulator " + wanted)
              + ": "
              + Connection.lastError());
    }
    if (settings.accelerator() == Accelerator.KVM && kvm.isEmpty()) {
      throw new NepheleException(
          ErrorKind.REFUSED,
          "The settings ask for KVM, and libvirt finds that QEMU can't use it on this node.");
    }
    Element domain = Xml.parse(chosen.get(), "libvirt's capabilities").getDocumentElement();
    Path emulator = Path.of(Xml.text(domain, "path"));
    Element host =
        Xml.parse(connection.getCapabilities(), "libvirt's capabilities").getDocumentElement();
    return new Capabilities(
        dotted(connection.getLibVersion()),
        qemuVersion(emulator),
        UUID.fromString(Xml.text(host, "host/uuid")),
        kvm.isPresent(),
        Xml.text(domain, "domain").equals("kvm") ? Accelerator.KVM : Accelerator.TCG,
        emulator,
        machines(host),
        cpuModels(domain));
  }

  /** The named models that a guest with this accelerator can have here; none where it can't run. */
  static Set<String> cpuModels(Connection connection, Settings settings, Accelerator accelerator)
      throws NepheleException {
    Optional<String> capabilities =
        connection.domainCapabilities(
            settings.emulator().isEmpty() ? null : settings.emulator(),
            accelerator == Accelerator.KVM ? "kvm" : "qemu");
    return capabilities.isEmpty()
        ? Set.of()
        : cpuModels(Xml.parse(capabilities.get(), "libvirt's capabilities").getDocumentElement());
  }

  private static String dotted(long version) {
    return version / 1_000_000 + "." + version / 1000 % 1000 + "." + version % 1000;
  }

  /** libvirt tells the version of its own choice only. */
  private static String qemuVersion(Path emulator) throws NepheleException {
    String text;
    try {
      Process process =
          new ProcessBuilder(emulator.toString(), "--version").redirectErrorStream(true).start();
      process.getOutputStream().close();
      text = new String(process.getInputStream().readNBytes(4096), StandardCharsets.UTF_8);
      process.waitFor(5, TimeUnit.SECONDS);
      process.destroyForcibly();
    } catch (IOException e) {
      throw new NepheleException(
          ErrorKind.FAILED, "The emulator " + emulator + " can't be run: " + e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new NepheleException(ErrorKind.CANCELLED, "Interrupted.", e);
    }
    Matcher matcher = VERSION.matcher(text);
    return matcher.find() ? matcher.group(1) : "unknown";
  }

  private static Set<String> machines(Element capabilities) {
    Set<String> machines = new TreeSet<>();
    for (Element guest : Xml.children(capabilities, "guest")) {
      for (Element arch : Xml.children(guest, "arch")) {
        if (arch.getAttribute("name").equals("x86_64")) {
          Xml.children(arch, "machine").forEach(machine -> machines.add(machine.getTextContent()));
        }
      }
    }
    return machines;
  }

  private static Set<String> cpuModels(Element capabilities) {
    Set<String> models = new TreeSet<>();
    for (Element mode : Xml.children(Xml.make(capabilities, "cpu"), "mode")) {
      for (Element model : Xml.children(mode, "model")) {
        if (model.getAttribute("usable").equals("yes")) {
          models.add(model.getTextContent());
        }
      }
    }
    return models;
  }
}
