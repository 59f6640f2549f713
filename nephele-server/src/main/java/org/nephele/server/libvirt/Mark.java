package org.nephele.server.libvirt;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * Our mark in a domain's {@code <metadata>}: that it is ours and what for. Goes along in a handoff.
 *
 * @param facts whatever the owner wants to find again, such as the image; keys are letters, values
 *     any text that XML takes
 */
public record Mark(Role role, Map<String, String> facts) {
  /** The namespace of the element. */
  public static final String NAMESPACE = "urn:nephele:domain:1";

  /** What the domain is for. */
  public enum Role {
    IMAGE_BUILD,
    SNAPSHOT_BUILD,
    INSTANCE
  }

  public Mark {
    facts = Collections.unmodifiableSortedMap(new TreeMap<>(facts));
  }
}
