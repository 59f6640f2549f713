package org.nephele.core.codec;

import org.nephele.core.reference.Location;
import org.nephele.core.reference.PageFile;
import org.nephele.core.reference.References;

/**
 * The two kinds of addresses in a page stream. Each is also a channel of its own for bytes that
 * aren't pages. The order is that of the format.
 */
public enum Space {
  /** Memory: pages are numbered as in the image's memory file. */
  MEMORY(Location.MEMORY),
  /** Disk: pages are numbered from its first byte. */
  DISK(Location.DISK);

  private static final Space[] ALL = values();

  private final int kind;

  Space(int kind) {
    this.kind = kind;
  }

  static Space of(int number) {
    return ALL[number];
  }

  static int count() {
    return ALL.length;
  }

  /** The location of a page of the image at this address. */
  int location(long page) {
    return Location.of(kind, page);
  }

  /** Whether the references have a page at this address. */
  boolean hasReference(References references, long page) {
    PageFile file = file(references);
    return file != null && page < file.pages();
  }

  /** The reference that belongs to this space; null if it was not agreed on. */
  PageFile file(References references) {
    return (this == DISK ? references.disk() : references.memory()).orElse(null);
  }
}
