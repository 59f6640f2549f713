package org.nephele.core.handoff;

import java.util.List;

/**
 * What the destination must know before anything starts.
 *
 * @param id of this handoff, 32 hex digits, made by the source
 * @param uuid of the instance
 * @param ports forwarded TCP ports
 * @param frozen whether its CPUs stand still and shall stay so at the destination
 * @param snapshot the path it was started from, at the node where it was started
 * @param started when it was started, RFC 3339
 * @param image what its disk is an overlay of
 * @param hardware what the destination's QEMU must be able to be
 * @param sourceNode the source's name for itself
 * @param sourceHostUuid libvirt's UUID of the source host
 */
public record Plan(
    String id,
    String uuid,
    String title,
    List<Integer> ports,
    boolean frozen,
    String snapshot,
    String started,
    Image image,
    Hardware hardware,
    String sourceNode,
    String sourceHostUuid) {

  public Plan {
    ports = ports == null ? List.of() : List.copyOf(ports);
  }

  /**
   * @param id 12 hex digits, for people
   * @param name of its folder
   * @param content SHA-256 over disk, memory and device state: the same content is the same image
   */
  public record Image(String id, String name, String content) {}

  /**
   * @param accelerator {@code KVM} or {@code TCG}
   * @param machine QEMU's machine type
   * @param cpuModel libvirt's name, or empty
   * @param qemuVersion of the source's QEMU
   * @param diskBytes virtual size of the disk
   * @param overlayBytes what the overlay takes on the source's disk now
   */
  public record Hardware(
      String accelerator,
      String machine,
      String cpuModel,
      String qemuVersion,
      int vcpus,
      long memoryKib,
      long diskBytes,
      long overlayBytes) {}
}
