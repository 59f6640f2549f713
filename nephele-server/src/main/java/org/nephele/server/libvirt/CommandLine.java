package org.nephele.server.libvirt;

import java.util.ArrayList;
import java.util.List;
import org.w3c.dom.Element;
import org.w3c.dom.Node;

/** The arguments a domain's XML adds to QEMU's command line: ours, or none. */
final class CommandLine {
  private static final String NAMESPACE = "http://libvirt.org/schemas/domain/qemu/1.0";
  private static final List<String> WAIT = List.of("-incoming", "defer");

  private CommandLine() {}

  /** Makes QEMU start waiting for a captured state. */
  static void waitForState(Element root) {
    remove(root);
    Element line = append(root, "commandline");
    for (String argument : WAIT) {
      append(line, "arg").setAttribute("value", argument);
    }
  }

  static void remove(Element root) {
    for (Element element : elements(root)) {
      root.removeChild(element);
    }
  }

  /** Whether it has anything but what {@link #waitForState} adds. */
  static boolean foreign(Element root) {
    for (Element element : elements(root)) {
      List<String> arguments = new ArrayList<>();
      for (Node node = element.getFirstChild(); node != null; node = node.getNextSibling()) {
        if (node instanceof Element child) {
          arguments.add(
              "arg".equals(child.getLocalName())
                  ? child.getAttribute("value")
                  : child.getTagName());
        }
      }
      if (!element.getLocalName().equals("commandline") || !arguments.equals(WAIT)) {
        return true;
      }
    }
    return false;
  }

  private static List<Element> elements(Element root) {
    List<Element> found = new ArrayList<>();
    for (Node node = root.getFirstChild(); node != null; node = node.getNextSibling()) {
      if (node instanceof Element element && NAMESPACE.equals(element.getNamespaceURI())) {
        found.add(element);
      }
    }
    return found;
  }

  private static Element append(Element parent, String name) {
    return (Element)
        parent.appendChild(parent.getOwnerDocument().createElementNS(NAMESPACE, "qemu:" + name));
  }
}
