package org.nephele.core.format;

/**
 * The virtual hardware that a captured state belongs to; it can only be restored into the same.
 *
 * @param machine QEMU's machine type, such as {@code pc-i440fx-7.2}
 * @param cpuModel the named CPU model; empty when there is none
 * @param qemuVersion of the QEMU that gave the state
 * @param memoryKib KiB
 */
public record Machine(
    String machine, String cpuModel, String qemuVersion, int vcpus, long memoryKib) {}
