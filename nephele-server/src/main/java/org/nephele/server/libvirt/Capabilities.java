package org.nephele.server.libvirt;

import java.nio.file.Path;
import java.util.Set;
import java.util.UUID;
import org.nephele.server.Settings;
import org.nephele.server.Settings.Accelerator;

/**
 * What the node's libvirt and QEMU can do.
 *
 * @param libvirtVersion {@code 9.0.0}
 * @param qemuVersion of the emulator in the settings, {@code 7.2.22}
 * @param hostUuid libvirt's; two nodes with the same one can't hand VMs to each other
 * @param kvmUsable QEMU may open /dev/kvm. Says nothing about whether guests run well in it
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
    Set<String> cpuModels) {}
