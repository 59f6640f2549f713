package org.nephele.server.libvirt;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.w3c.dom.Element;

/**
 * What a VM may not have when its state is to be captured, restored elsewhere, and handed off:
 * state that is outside of QEMU's stream and of the one disk, and files, devices and programs of
 * the host.
 *
 * <p>An image may come from another house, and libvirt does as root what its XML says. So this
 * lists what is allowed; the best known of the rest have a sentence of their own.
 */
final class Unsupported {
  private static final Set<String> DOMAIN =
      Set.of(
          "name",
          "uuid",
          "title",
          "description",
          "metadata",
          "memory",
          "currentMemory",
          "vcpu",
          "vcpus",
          "iothreads",
          "iothreadids",
          "cputune",
          "memtune",
          "memoryBacking",
          "resource",
          "os",
          "sysinfo",
          "features",
          "cpu",
          "clock",
          "pm",
          "on_poweroff",
          "on_reboot",
          "on_crash",
          "on_lockfailure",
          "seclabel", // left out of what libvirt gets
          "devices",
          "launchSecurity" // refused below
          );
  private static final Set<String> OS =
      Set.of("type", "boot", "bootmenu", "bios", "loader", "nvram", "kernel", "initrd", "cmdline");
  private static final Set<String> DEVICES =
      Set.of(
          "emulator", // replaced
          "disk",
          "controller",
          "interface",
          "serial",
          "parallel",
          "console",
          "channel",
          "input",
          "graphics",
          "video",
          "sound",
          "audio",
          "memballoon",
          "rng",
          "watchdog",
          "panic",
          "hub");
  private static final Map<String, String> KNOWN_DEVICES =
      Map.of(
          "hostdev", "Devices of the host (<hostdev>) can't go along with a VM.",
          "redirdev", "USB redirection (<redirdev>) is not supported.",
          "filesystem", "Folders shared with the host (<filesystem>) are not supported.",
          "shmem", "Memory shared with the host (<shmem>) is not supported.",
          "memory", "Memory devices (<memory> in <devices>) are not supported.",
          "tpm", "A TPM (<tpm>) is not supported: its state is a file outside of the VM.",
          "vsock", "A <vsock> is not supported: its address belongs to one host.");
  private static final Set<String> NETWORKS = Set.of("user", "bridge", "network");
  private static final Set<String> MEMORY_BACKING = Set.of("nosharepages", "discard", "locked");

  private final List<String> reasons = new ArrayList<>();

  private Unsupported() {}

  /** One sentence for each thing, in no order; empty when there is none. */
  static List<String> in(Element domain) {
    Unsupported inspection = new Unsupported();
    inspection.machine(domain);
    inspection.cpuAndMemory(domain);
    inspection.disks(Xml.children(Xml.make(domain, "devices"), "disk"));
    Xml.children(Xml.make(domain, "devices"), "*").forEach(inspection::device);
    return inspection.reasons.stream().distinct().toList();
  }

  private void machine(Element domain) {
    String type = domain.getAttribute("type");
    refuseIf(
        !type.isEmpty() && !Set.of("qemu", "kvm").contains(type),
        "A domain of type '" + type + "' is not one of QEMU.");
    refuseOthers(domain, DOMAIN);
    for (Element os : Xml.children(domain, "os")) {
      refuseOthers(os, OS);
      refuseIf(
          !Xml.text(os, "type").strip().equals("hvm"),
          "Only full virtualization (<os><type>hvm</type>) is supported.");
      refuseIf(
          !os.getAttribute("firmware").isEmpty() || has(os, "loader") || has(os, "nvram"),
          "UEFI (<os firmware>, <loader>, <nvram>) is not supported: its variables are a file"
              + " outside of the VM. Use a disk that boots with a BIOS.");
      refuseIf(
          has(os, "kernel") || has(os, "initrd"),
          "A kernel given from outside (<kernel>, <initrd>) is not supported: boot the disk.");
    }
    refuseIf(!has(domain, "os"), "There is no <os>.");
    for (Element info : Xml.children(domain, "sysinfo")) {
      refuseIf(
          !info.getAttribute("type").equals("smbios"),
          "<sysinfo> of the type '" + info.getAttribute("type") + "' is not supported.");
    }
    refuseIf(
        has(domain, "launchSecurity"), "Encrypted memory (<launchSecurity>) can't be captured.");
    refuseIf(
        CommandLine.foreign(domain),
        "Arguments for QEMU's command line (<qemu:commandline> and its like) are not supported:"
            + " libvirt does not know what they add.");
  }

  private void cpuAndMemory(Element domain) {
    String mode = Xml.attribute(domain, "cpu", "mode");
    refuseIf(
        mode.startsWith("host-") || mode.equals("maximum"),
        "The CPU mode '" + mode + "' ties a VM to this very CPU: name a model instead.");
    Xml.children(domain, "memoryBacking").forEach(b -> refuseOthers(b, MEMORY_BACKING));
    for (Element cpu : Xml.children(domain, "cpu")) {
      for (Element cell : Xml.children(Xml.make(cpu, "numa"), "cell")) {
        refuseIf(
            cell.getAttribute("memAccess").equals("shared"),
            "Shared memory (memAccess='shared') is not supported.");
      }
    }
  }

  private void disks(List<Element> disks) {
    long hardDisks = 0;
    for (Element disk : disks) {
      String device = disk.getAttribute("device");
      if (device.isEmpty() || device.equals("disk")) {
        hardDisks++;
        disk(disk);
      } else {
        reasons.add("A drive of the kind '" + device + "' is not supported, only the one disk is.");
      }
    }
    refuseIf(hardDisks == 0, "There is no disk.");
    refuseIf(hardDisks > 1, "There are " + hardDisks + " disks; only one is supported.");
  }

  private void disk(Element disk) {
    String type = disk.getAttribute("type");
    refuseIf(
        !type.isEmpty() && !type.equals("file"),
        "A disk of type '" + type + "' is not supported, only files are.");
    for (String option : List.of("readonly", "shareable", "transient", "encryption", "mirror")) {
      refuseIf(has(disk, option), "A disk with <" + option + "> is not supported.");
    }
  }

  private void device(Element device) {
    String name = device.getLocalName();
    String type = device.getAttribute("type");
    if (!DEVICES.contains(name)) {
      reasons.add(KNOWN_DEVICES.getOrDefault(name, "A device <" + name + "> is not supported."));
      return;
    }
    switch (name) {
      case "interface" -> {
        refuseIf(
            !NETWORKS.contains(type),
            "A network interface of type '"
                + type
                + "' is not supported: user, bridge and network are.");
        refuseIf(
            has(device, "script") || has(device, "backend"),
            "A network interface with programs of the host (<script>, <backend>) is not supported.");
      }
      case "graphics" ->
          refuseIf(
              !type.equals("vnc"),
              "A display of type '" + type + "' is not supported, only VNC is.");
      case "serial", "parallel", "console" ->
          refuseIf(
              !Set.of("pty", "null").contains(type),
              "A <" + name + "> of type '" + type + "' is not supported, only pty is.");
      case "channel" ->
          refuseIf(
              !type.equals("unix") || !Xml.attribute(device, "source", "path").isEmpty(),
              "A <channel> other than of type unix with a socket of libvirt's choice is not"
                  + " supported.");
      case "input" ->
          refuseIf(
              !Set.of("tablet", "mouse", "keyboard").contains(type),
              "An <input> of type '" + type + "' is not supported.");
      case "audio" ->
          refuseIf(!type.equals("none"), "Sound on the host (<audio>) is not supported.");
      case "rng" -> {
        Element backend = Xml.make(device, "backend");
        String source = backend.getTextContent().strip();
        refuseIf(
            !backend.getAttribute("model").equals("builtin")
                && !Set.of("/dev/urandom", "/dev/random").contains(source),
            "An <rng> that reads '" + source + "' is not supported, only /dev/urandom is.");
      }
      case "video" ->
          refuseIf(
              !Xml.attribute(device, "driver", "name").isEmpty()
                  && !Xml.attribute(device, "driver", "name").equals("qemu"),
              "A <video> outside of QEMU is not supported.");
      default -> {
        // the others have nothing of the host
      }
    }
  }

  private void refuseOthers(Element parent, Set<String> allowed) {
    for (Element child : Xml.children(parent, "*")) {
      String name = child.getLocalName();
      refuseIf(
          !allowed.contains(name),
          "<" + name + "> in <" + parent.getLocalName() + "> is not supported.");
    }
  }

  private void refuseIf(boolean condition, String reason) {
    if (condition) {
      reasons.add(reason);
    }
  }

  private static boolean has(Element parent, String name) {
    return !Xml.children(parent, name).isEmpty();
  }
}
