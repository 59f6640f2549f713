package org.nephele.server.libvirt;

import java.util.Collections;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.w3c.dom.Element;
import org.w3c.dom.Node;

/**
 * Our mark in a domain's {@code <metadata>}: that it is ours and what for. Goes along in a handoff.
 *
 * <pre>{@code
 * <nephele:vm xmlns:nephele="urn:nephele:domain:1" role="instance">
 *   <nephele:fact name="image">0123456789ab</nephele:fact>
 * </nephele:vm>
 * }</pre>
 *
 * @param facts whatever the owner wants to find again, such as the image; any text that XML takes
 */
public record Mark(Role role, Map<String, String> facts) {
  /** The namespace of the element. */
  public static final String NAMESPACE = "urn:nephele:domain:1";

  /** What the domain is for. */
  public enum Role {
    IMAGE_BUILD(
        "An image is being built here by Nephele. Pause this VM when it is as it should be."),
    SNAPSHOT_BUILD(
        "A snapshot is being built here by Nephele. Pause this VM when it is as it should be."),
    INSTANCE("An instance managed by Nephele.");

    private final String description;

    Role(String description) {
      this.description = description;
    }

    /** What virt-manager shows about the domain. */
    public String description() {
      return description;
    }

    private String word() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private static Optional<Role> of(String word) {
      for (Role role : values()) {
        if (role.word().equals(word)) {
          return Optional.of(role);
        }
      }
      return Optional.empty();
    }
  }

  public Mark {
    facts = Collections.unmodifiableSortedMap(new TreeMap<>(facts));
  }

  /** Puts it in the place of an older one; leaves what others have in the metadata. */
  void write(Element metadata) {
    find(metadata).ifPresent(metadata::removeChild);
    Element vm = append(metadata, "vm");
    vm.setAttribute("role", role.word());
    facts.forEach(
        (name, value) -> {
          Element fact = append(vm, "fact");
          fact.setAttribute("name", name);
          fact.setTextContent(value);
        });
  }

  /** Empty when there is none, or one of a role that a later version made up. */
  static Optional<Mark> read(Element metadata) {
    Optional<Element> vm = find(metadata);
    Optional<Role> role = vm.flatMap(element -> Role.of(element.getAttribute("role")));
    if (role.isEmpty()) {
      return Optional.empty();
    }
    Map<String, String> facts = new TreeMap<>();
    for (Node node = vm.get().getFirstChild(); node != null; node = node.getNextSibling()) {
      if (node instanceof Element fact && "fact".equals(fact.getLocalName())) {
        facts.put(fact.getAttribute("name"), fact.getTextContent());
      }
    }
    return Optional.of(new Mark(role.get(), facts));
  }

  private static Optional<Element> find(Element metadata) {
    for (Node node = metadata.getFirstChild(); node != null; node = node.getNextSibling()) {
      if (node instanceof Element element && NAMESPACE.equals(element.getNamespaceURI())) {
        return Optional.of(element);
      }
    }
    return Optional.empty();
  }

  private static Element append(Element parent, String name) {
    return (Element)
        parent.appendChild(parent.getOwnerDocument().createElementNS(NAMESPACE, "nephele:" + name));
  }
}
