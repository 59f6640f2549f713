package org.nephele.server.libvirt;

import java.nio.file.Path;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import org.nephele.core.libvirtrpc.MigrationRules;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.Settings.Accelerator;
import org.w3c.dom.Document;
import org.w3c.dom.Element;

/**
 * The domain that was prepared for, and no other, may arrive: libvirt does as root what its XML
 * says, and the other node's libvirt may be anybody with a node's key. Thread-safe.
 *
 * @param disk its files here
 * @param console the log of its serial console here
 * @param emulator the QEMU that runs it here
 * @param machine QEMU's machine type
 * @param cpuModel libvirt's name, or empty
 * @param image the XML of the image that it was made from, whose networks it may use
 */
public record Arrival(
    UUID uuid,
    Disk.Overlay disk,
    Path console,
    Path emulator,
    Accelerator accelerator,
    String machine,
    String cpuModel,
    int vcpus,
    long memoryKib,
    DomainXml image)
    implements MigrationRules.Documents {
  private static final Set<String> COOKIE =
      Set.of(
          "name",
          "uuid",
          "hostname",
          "hostuuid",
          "feature",
          "nbd",
          "network",
          "cpu",
          "capabilities",
          "statistics",
          "allowReboot");

  /** The domain's name, {@code nephele-UUID}. */
  public String name() {
    return DomainXml.NAME_PREFIX + uuid;
  }

  /** virDomainMigrateFlags that its migration has, as the destination is told. */
  public static int flags() {
    return Migration.DESTINATION_FLAGS;
  }

  @Override
  public void checkDomain(String text) throws NepheleException {
    requirePlain(text, "<domain ");
    DomainXml xml = DomainXml.parse(text);
    xml.requireSupported();
    Element root = Xml.parse(text, "The domain's XML").getDocumentElement();
    new ArrivalXml(this).check(root);
    require(xml.uuid().equals(uuid) && isLowerCase(root), "it has another UUID");
    require(xml.name().equals(name()), "its name is not " + name());
    DomainXml.checkTitle(xml.title());
    require(
        xml.mark().filter(mark -> mark.role() == Mark.Role.INSTANCE).isPresent(),
        "it is not marked as an instance");
    require(disk.equals(xml.disk()), "its disk is not " + disk.file() + " on " + disk.backing());
    require(
        xml.console().isEmpty() || xml.console().get().equals(console),
        "its console's log is not " + console);
    require(
        xml.accelerator() == accelerator
            && xml.machine().equals(machine)
            && xml.cpuModel().equals(cpuModel)
            && xml.vcpus() == vcpus
            && xml.memoryKib() == memoryKib,
        "its machine, CPUs or memory are others than were announced");
  }

  private boolean isLowerCase(Element root) {
    return Xml.text(root, "uuid").equals(uuid.toString());
  }

  @Override
  public void checkCookie(String text) throws NepheleException {
    requirePlain(text, "<qemu-migration>");
    Document document = Xml.parse(text, "The migration's cookie");
    Element root = document.getDocumentElement();
    ArrivalXml.requireOrdinary(root);
    for (Element child : Xml.children(root, "*")) {
      String name = child.getLocalName();
      require(COOKIE.contains(name), "its cookie has <" + name + ">");
      switch (name) {
        case "name" -> require(child.getTextContent().equals(name()), "its cookie's name differs");
        case "uuid" ->
            require(child.getTextContent().equals(uuid.toString()), "its cookie's UUID differs");
        case "feature" ->
            require(
                child.getAttribute("name").equals("lockstate"),
                "its cookie asks for the feature " + child.getAttribute("name"));
        case "network" -> {
          for (Element nic : Xml.children(child, "*")) {
            // An Open vSwitch's port would take data along, for a command of the host.
            require(
                nic.getAttribute("vporttype").equals("none") && Xml.children(nic, "*").isEmpty(),
                "its cookie has data of a switch's port");
          }
        }
        case "nbd" -> {
          for (Element of : Xml.children(child, "*")) {
            require(
                of.getLocalName().equals("disk") && Xml.children(of, "*").isEmpty(),
                "its cookie has more about its disk than the size");
          }
        }
        default -> {
          // about the CPU, QEMU's capabilities and how long things took
        }
      }
    }
  }

  /**
   * Documents that begin like this and have no declarations are read the same way by Java and by
   * libvirt: no other encoding, no entities, nothing that one of them skips.
   */
  private static void requirePlain(String text, String start) throws NepheleException {
    require(text.startsWith(start), "its XML does not begin with " + start);
    require(!text.contains("<!") && !text.contains("<?"), "its XML has declarations or comments");
  }

  static void require(boolean condition, String otherwise) throws NepheleException {
    if (!condition) {
      throw new NepheleException(
          ErrorKind.REFUSED, "The domain is not the one that was prepared for: " + otherwise + ".");
    }
  }

  public Arrival {
    Objects.requireNonNull(uuid);
    Objects.requireNonNull(disk);
    Objects.requireNonNull(image);
  }
}
