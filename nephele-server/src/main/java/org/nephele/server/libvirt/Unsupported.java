package org.nephele.server.libvirt;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.w3c.dom.Element;

/**
 * What a VM may not have when its state is to be captured, restored elsewhere, and handed off:
 * state that is outside of QEMU's stream and of the one disk, or files and devices that only one
 * node has.
 */
final class Unsupported {
  private static final Map<String, String> DEVICES =
      Map.ofEntries(
          Map.entry("hostdev", "Devices of the host (<hostdev>) can't go along with a VM."),
          Map.entry("redirdev", "USB redirection (<redirdev>) is not supported."),
          Map.entry("redirfilter", "USB redirection (<redirfilter>) is not supported."),
          Map.entry("filesystem", "Folders shared with the host (<filesystem>) are not supported."),
          Map.entry("shmem", "Memory shared with the host (<shmem>) is not supported."),
          Map.entry("memory", "Memory devices (<memory> in <devices>) are not supported."),
          Map.entry(
              "tpm", "A TPM (<tpm>) is not supported: its state is a file outside of the VM."),
          Map.entry("smartcard", "Smart cards (<smartcard>) are not supported."),
          Map.entry("nvram", "<nvram> in <devices> is not supported."),
          Map.entry("vsock", "A <vsock> is not supported: its address belongs to one host."),
          Map.entry("lease", "Disk leases (<lease>) are not supported."),
          Map.entry("iommu", "An <iommu> is not supported."));
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
    inspection.devices(Xml.children(Xml.make(domain, "devices"), "*"));
    return List.copyOf(inspection.reasons);
  }

  private void machine(Element domain) {
    String type = domain.getAttribute("type");
    refuseIf(
        !type.isEmpty() && !Set.of("qemu", "kvm").contains(type),
        "A domain of type '" + type + "' is not one of QEMU.");
    refuseIf(
        !Xml.text(domain, "os/type").strip().equals("hvm"),
        "Only full virtualization (<os><type>hvm</type>) is supported.");
    boolean firmware =
        !Xml.attribute(domain, "os", "firmware").isEmpty()
            || Xml.find(domain, "os/loader").isPresent()
            || Xml.find(domain, "os/nvram").isPresent();
    refuseIf(
        firmware,
        "UEFI (<os firmware>, <loader>, <nvram>) is not supported: its variables are a file outside"
            + " of the VM. Use a disk that boots with a BIOS.");
    boolean kernel =
        Xml.find(domain, "os/kernel").isPresent() || Xml.find(domain, "os/initrd").isPresent();
    refuseIf(
        kernel,
        "A kernel given from outside (<kernel>, <initrd>) is not supported: boot the disk.");
    refuseIf(
        Xml.find(domain, "launchSecurity").isPresent(),
        "Encrypted memory (<launchSecurity>) can't be captured.");
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
    for (Element backing : Xml.children(domain, "memoryBacking")) {
      for (Element option : Xml.children(backing, "*")) {
        refuseIf(
            !MEMORY_BACKING.contains(option.getLocalName()),
            "<memoryBacking> with <" + option.getLocalName() + "> is not supported.");
      }
    }
    for (Element numa : Xml.find(domain, "cpu/numa").stream().toList()) {
      for (Element cell : Xml.children(numa, "cell")) {
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
      refuseIf(
          Xml.find(disk, option).isPresent(), "A disk with <" + option + "> is not supported.");
    }
  }

  private void devices(List<Element> devices) {
    for (Element device : devices) {
      String name = device.getLocalName();
      String type = device.getAttribute("type");
      if (DEVICES.containsKey(name)) {
        String reason = DEVICES.get(name);
        refuseIf(!reasons.contains(reason), reason);
      } else if (name.equals("interface")) {
        refuseIf(
            !NETWORKS.contains(type),
            "A network interface of type '"
                + type
                + "' is not supported: user, bridge and network are.");
      } else if (name.equals("graphics")) {
        refuseIf(
            !type.equals("vnc"), "A display of type '" + type + "' is not supported, only VNC is.");
      }
    }
  }

  private void refuseIf(boolean condition, String reason) {
    if (condition) {
      reasons.add(reason);
    }
  }
}
