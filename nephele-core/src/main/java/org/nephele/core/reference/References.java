package org.nephele.core.reference;

import java.util.Optional;

/**
 * The references that both ends of a transfer agreed on, after comparing the content hashes of what
 * they hold. With equal disks and different memories, only the disk. Immutable, thread-safe.
 */
public record References(Optional<PageFile> disk, Optional<PageFile> memory) {
  /** Nothing in common. */
  public static final References NONE = new References(Optional.empty(), Optional.empty());

  /** Whether the location is a page of a reference that was agreed on. */
  public boolean has(int location) {
    return switch (Location.kind(location)) {
      case Location.DISK -> disk.isPresent() && Location.page(location) < disk.get().pages();
      case Location.MEMORY -> memory.isPresent() && Location.page(location) < memory.get().pages();
      default -> false;
    };
  }

  /**
   * Copies the page at a location for which {@link #has} is true.
   *
   * @param target gets 4096 bytes
   */
  public void read(int location, byte[] target) {
    PageFile file =
        Location.kind(location) == Location.DISK ? disk.orElseThrow() : memory.orElseThrow();
    file.read(Location.page(location), target, 0);
  }
}
