package org.nephele.server.libvirt;

import static org.nephele.server.libvirt.Arrival.require;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.nephele.core.protocol.NepheleException;
import org.w3c.dom.Attr;
import org.w3c.dom.Element;
import org.w3c.dom.NamedNodeMap;
import org.w3c.dom.Node;
import org.w3c.dom.Text;

/**
 * That a domain which arrives names nothing of this host but its own disk, its image, its console's
 * log and its emulator. Complements {@link Unsupported}.
 */
final class ArrivalXml {
  private static final Set<String> LOOPBACK = Set.of("127.0.0.1", "::1", "localhost");
  private static final Set<String> RANDOM = Set.of("/dev/urandom", "/dev/random");

  /** Elsewhere an element may be there only once, as libvirt and we might look at another one. */
  private static final Set<String> REPEATED =
      Set.of(
          "boot",
          "feature",
          "timer",
          "listen",
          "controller",
          "interface",
          "serial",
          "parallel",
          "console",
          "channel",
          "input",
          "graphics",
          "video",
          "sound",
          "audio",
          "rng",
          "watchdog",
          "panic",
          "hub",
          "cell",
          "cache",
          "sibling",
          "bank",
          "entry",
          "vcpu",
          "iothread",
          "vcpupin",
          "iothreadpin",
          "codec",
          "disk",
          "cap",
          "sysinfo");

  /** What may be inside of these; of the others, {@link Unsupported} and the paths are enough. */
  private static final Map<String, Set<String>> INSIDE =
      Map.of(
          "disk",
          Set.of(
              "driver",
              "source",
              "backingStore",
              "target",
              "alias",
              "address",
              "boot",
              "iotune",
              "serial",
              "wwn",
              "vendor",
              "product",
              "blockio",
              "geometry"),
          "interface",
          Set.of(
              "mac",
              "source",
              "model",
              "alias",
              "address",
              "boot",
              "link",
              "mtu",
              "driver",
              "bandwidth",
              "acpi"),
          "serial",
          Set.of("target", "alias", "address", "log"),
          "parallel",
          Set.of("target", "alias", "address"),
          "console",
          Set.of("target", "alias", "address", "log"),
          "channel",
          Set.of("target", "alias", "address", "source"),
          "graphics",
          Set.of("listen"),
          "cputune",
          Set.of("shares", "period", "quota", "vcpupin", "emulatorpin", "iothreadpin"));

  private static final Set<String> GRAPHICS =
      Set.of("type", "port", "autoport", "listen", "keymap", "sharePolicy");
  private static final Set<String> INTERFACE_SOURCE = Set.of("bridge", "network", "portgroup");
  private static final Set<String> LIFECYCLE = Set.of("destroy", "restart", "preserve");

  private final Arrival arrival;

  ArrivalXml(Arrival arrival) {
    this.arrival = arrival;
  }

  void check(Element root) throws NepheleException {
    Element copy = (Element) root.cloneNode(true);
    // Our own mark and others' notes; libvirt and QEMU make nothing of them.
    for (String inert : List.of("title", "description", "metadata")) {
      List<Element> found = Xml.children(copy, inert);
      require(found.size() <= 1, "there is more than one <" + inert + ">");
      Xml.removeAll(copy, inert);
    }
    requireOrdinary(copy, this::mayBe);
    for (Element child : Xml.children(copy, "*")) {
      String name = child.getLocalName();
      if (name.startsWith("on_")) {
        require(
            LIFECYCLE.contains(child.getTextContent().strip()) || name.equals("on_lockfailure"),
            "it wants " + child.getTextContent().strip() + " as <" + name + ">");
      }
      inside(child);
    }
    require(Xml.children(copy, "devices").size() == 1, "it has no devices");
    for (Element device : Xml.children(Xml.make(copy, "devices"), "*")) {
      device(device);
    }
  }

  private void device(Element device) throws NepheleException {
    inside(device);
    switch (device.getLocalName()) {
      case "disk" -> disk(device);
      case "interface" -> network(device);
      case "graphics" -> {
        attributes(device, GRAPHICS);
        String listen = device.getAttribute("listen");
        require(listen.isEmpty() || LOOPBACK.contains(listen), "its display listens on " + listen);
        for (Element at : Xml.children(device, "listen")) {
          String address = at.getAttribute("address");
          require(
              at.getAttribute("type").equals("none")
                  || at.getAttribute("type").equals("address")
                      && (address.isEmpty() || LOOPBACK.contains(address)),
              "its display listens on " + at.getAttribute("type") + " " + address);
        }
      }
      case "watchdog" ->
          require(!device.getAttribute("action").equals("dump"), "its watchdog dumps memory");
      case "channel" ->
          Xml.find(device, "source")
              .ifPresent(source -> source.removeAttribute("mode")); // says nothing without a path
      default -> {
        // the paths are enough
      }
    }
    for (Element source : Xml.children(device, "source")) {
      if (device.getLocalName().equals("channel")) {
        attributes(source, Set.of());
      }
    }
  }

  private static void disk(Element disk) throws NepheleException {
    Element driver = Xml.make(disk, "driver");
    // As raw, the guest could write a header that names any file of the host as backing file.
    require(
        driver.getAttribute("name").equals("qemu") && driver.getAttribute("type").equals("qcow2"),
        "its disk is not qcow2");
    Element source = Xml.make(disk, "source");
    attributes(source, Set.of("file", "index"));
    require(Xml.children(source, "*").isEmpty(), "its disk's source has more than a file");
    Element backing = Xml.make(disk, "backingStore");
    only(backing, Set.of("format", "source", "backingStore"));
    require(
        backing.getAttribute("type").equals("file")
            && Xml.attribute(backing, "format", "type").equals("raw"),
        "its image's disk is not a raw file");
    Element image = Xml.make(backing, "source");
    attributes(image, Set.of("file", "index"));
    only(image, Set.of("seclabel"));
    require(Xml.find(image, "seclabel").isPresent(), "its image's disk would be given away");
    Element end = Xml.make(backing, "backingStore");
    require(
        Xml.children(end, "*").isEmpty() && end.getAttributes().getLength() == 0,
        "its image's disk has a backing file");
  }

  private void network(Element nic) throws NepheleException {
    for (Element source : Xml.children(nic, "source")) {
      source.removeAttribute("portid"); // of the source's libvirt; a new one is made here
      if (nic.getAttribute("type").equals("network")) {
        source.removeAttribute("bridge");
      }
      attributes(source, INTERFACE_SOURCE);
    }
    if (!nic.getAttribute("type").equals("user")) {
      Set<String> networks = new HashSet<>(arrival.image().networks());
      require(
          networks.contains(DomainXml.network(nic)),
          "it uses a network that its image does not: " + DomainXml.network(nic));
    }
  }

  private static void inside(Element element) throws NepheleException {
    Set<String> allowed = INSIDE.get(element.getLocalName());
    if (allowed != null) {
      only(element, allowed);
    }
  }

  private static void only(Element parent, Set<String> allowed) throws NepheleException {
    for (Element child : Xml.children(parent, "*")) {
      require(
          allowed.contains(child.getLocalName()),
          "<" + parent.getLocalName() + "> has a <" + child.getLocalName() + ">");
    }
  }

  private static void attributes(Element element, Set<String> allowed) throws NepheleException {
    NamedNodeMap all = element.getAttributes();
    for (int i = 0; i < all.getLength(); i++) {
      require(
          allowed.contains(all.item(i).getNodeName()),
          "<" + element.getLocalName() + "> has " + all.item(i).getNodeName());
    }
  }

  /** Whether a text with a slash is one of the few paths that belong there. */
  private boolean mayBe(String where, String value) {
    return switch (where) {
      case "domain/devices/emulator" -> value.equals(arrival.emulator().toString());
      case "domain/devices/disk/source@file" -> value.equals(arrival.disk().file().toString());
      case "domain/devices/disk/backingStore/source@file" ->
          value.equals(arrival.disk().backing().toString());
      case "domain/devices/serial/log@file", "domain/devices/console/log@file" ->
          value.equals(arrival.console().toString());
      case "domain/devices/rng/backend" -> RANDOM.contains(value);
      case "domain/resource/partition" -> value.equals("/machine");
      case "domain/clock@timezone" -> value.matches("[A-Za-z_]+(/[A-Za-z0-9_+-]+){1,2}");
      default -> where.startsWith("domain/sysinfo/");
    };
  }

  /** Whether a value with a slash may be there. */
  private interface Paths {
    boolean mayBe(String where, String value);
  }

  /** For documents without any paths. */
  static void requireOrdinary(Element root) throws NepheleException {
    requireOrdinary(root, (where, value) -> false);
  }

  /**
   * No namespaces, which libvirt does not look at and {@link Xml} does; nothing twice; no path that
   * does not belong there; no label of a security driver but ours.
   */
  private static void requireOrdinary(Element root, Paths paths) throws NepheleException {
    ordinary(root, root.getLocalName(), paths);
  }

  private static void ordinary(Element element, String where, Paths paths) throws NepheleException {
    NamedNodeMap attributes = element.getAttributes();
    for (int i = 0; i < attributes.getLength(); i++) {
      Attr attribute = (Attr) attributes.item(i);
      require(attribute.getNamespaceURI() == null, where + " has " + attribute.getName());
      value(where + "@" + attribute.getName(), attribute.getValue(), paths);
    }
    if (where.endsWith("/log")) {
      require(
          where.equals("domain/devices/serial/log") || where.equals("domain/devices/console/log"),
          "it logs at " + where);
      require(!element.getAttribute("file").isEmpty(), "it logs to no file");
      value(where + "@file", "/" + element.getAttribute("file").replaceFirst("^/", ""), paths);
    }
    if (element.getLocalName().equals("seclabel")) {
      require(
          where.equals("domain/devices/disk/backingStore/source/seclabel")
              && attributes.getLength() == 2
              && element.getAttribute("model").equals("dac")
              && element.getAttribute("relabel").equals("no")
              && !element.hasChildNodes(),
          "it has a <seclabel>");
    }
    Set<String> seen = new HashSet<>();
    StringBuilder text = new StringBuilder();
    for (Node node = element.getFirstChild(); node != null; node = node.getNextSibling()) {
      if (node instanceof Element child) {
        String name = child.getLocalName();
        require(child.getNamespaceURI() == null, "it has a <" + child.getTagName() + ">");
        require(seen.add(name) || REPEATED.contains(name), "it has <" + name + "> twice");
        ordinary(child, where + "/" + name, paths);
      } else {
        require(node instanceof Text, "it has more than elements and text");
        text.append(node.getNodeValue());
      }
    }
    value(where, text.toString().strip(), paths);
  }

  private static void value(String where, String value, Paths paths) throws NepheleException {
    require(
        value.indexOf('/') < 0 || paths.mayBe(where, value),
        where + " is '" + (value.length() > 200 ? value.substring(0, 200) + "…" : value) + "'");
  }
}
