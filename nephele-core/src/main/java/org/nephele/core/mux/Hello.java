package org.nephele.core.mux;

import java.util.List;

/**
 * What each side says first.
 *
 * @param protocol the version of the session and of what is said on it; must be equal
 * @param agent {@code nephele-server}
 * @param version of the agent, for people
 * @param node the node's name for itself, for people
 * @param capabilities words for what this side can do beyond the protocol's version
 */
public record Hello(
    int protocol, String agent, String version, String node, List<String> capabilities) {
  public Hello {
    capabilities = capabilities == null ? List.of() : List.copyOf(capabilities);
  }
}
