package org.nephele.server.libvirt;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.Settings;
import org.nephele.server.Settings.Accelerator;
import org.w3c.dom.Document;
import org.w3c.dom.Element;

/**
 * A domain's XML: read with DTDs and external entities off, changed as a tree, never as text.
 * Immutable; every change returns a new one. Thread-safe.
 */
public final class DomainXml {
  /** The name of each of our domains is this and its UUID. */
  static final String NAME_PREFIX = "nephele-";

  /** Longer than any title that a person reads; libvirt itself has no limit. */
  private static final int MAX_TITLE = 64 << 10;

  private final String xml;
  private final String what;

  /**
   * Who a domain is.
   *
   * @param title one line for people; null for {@code nephele-UUID}
   */
  public record Identity(UUID uuid, String title, Mark mark) {
    /** The title libvirt gets. */
    public String effectiveTitle() {
      return title == null ? NAME_PREFIX + uuid : title;
    }
  }

  private DomainXml(String xml, String what) {
    this.xml = xml;
    this.what = what;
  }

  /**
   * @param xml at most 1 Mi characters
   * @throws NepheleException {@code REFUSED} when it isn't a libvirt domain
   */
  public static DomainXml parse(String xml) throws NepheleException {
    return parse(xml, "The domain's XML");
  }

  /** Reads a template or a stored XML. */
  public static DomainXml read(Path file) throws NepheleException {
    try {
      if (Files.size(file) > 4L * Xml.MAX_CHARS) {
        throw new NepheleException(
            ErrorKind.REFUSED, file + " is too long for a libvirt domain's XML.");
      }
      return parse(Files.readString(file, StandardCharsets.UTF_8), file.toString());
    } catch (IOException e) {
      throw new NepheleException(ErrorKind.FAILED, file + " can't be read: " + e, e);
    }
  }

  private static DomainXml parse(String xml, String what) throws NepheleException {
    Element root = Xml.parse(xml, what).getDocumentElement();
    if (!"domain".equals(root.getLocalName()) || root.getNamespaceURI() != null) {
      throw new NepheleException(
          ErrorKind.REFUSED, what + " is not a libvirt domain: its root is not <domain>.");
    }
    return new DomainXml(xml, what);
  }

  /**
   * That this can be a line in a title: libvirt takes no line breaks, and XML no control
   * characters.
   *
   * @throws NepheleException {@code USAGE} with the reason
   */
  public static void checkTitle(String title) throws NepheleException {
    if (title.isBlank()) {
      throw new NepheleException(ErrorKind.USAGE, "A title needs at least one visible character.");
    }
    if (title.length() > MAX_TITLE) {
      throw new NepheleException(
          ErrorKind.USAGE, "A title has at most " + MAX_TITLE + " characters.");
    }
    if (title.codePoints().anyMatch(DomainXml::unfitForTitle)) {
      throw new NepheleException(
          ErrorKind.USAGE,
          "A title is one line of text, without line breaks and control characters.");
    }
  }

  private static boolean unfitForTitle(int c) {
    return Character.isISOControl(c)
        || Character.getType(c) == Character.SURROGATE
        || Character.getType(c) == Character.LINE_SEPARATOR
        || Character.getType(c) == Character.PARAGRAPH_SEPARATOR
        || c == 0xFFFE
        || c == 0xFFFF;
  }

  /**
   * What keeps this from being a template or an image, one sentence each: more than one disk, CD
   * drives, host devices, UEFI with NVRAM, a TPM, shared memory and the like. Empty when all is
   * well. For templates, {@link Vm#migratableXml} and {@link Vm#captureXml}, not for a live XML.
   */
  public List<String> unsupported() {
    return Unsupported.in(root());
  }

  void requireSupported() throws NepheleException {
    List<String> reasons = unsupported();
    if (!reasons.isEmpty()) {
      throw new NepheleException(
          ErrorKind.REFUSED, what + " can't be used: " + String.join(" ", reasons));
    }
  }

  /**
   * The domain that an image is built in, from a template.
   *
   * @param vcpus null for the template's
   * @param memoryKib null for the template's, KiB
   * @param console where the serial console is logged
   * @param accelerator KVM or TCG, as {@link Capabilities#accelerator} says
   * @throws NepheleException {@code REFUSED} with a sentence for what the template has that can't
   *     be; {@code USAGE} for a title or number that can't be
   */
  public DomainXml forBuild(
      Identity identity,
      Disk disk,
      Path console,
      Integer vcpus,
      Long memoryKib,
      Accelerator accelerator,
      Settings settings)
      throws NepheleException {
    requireSupported();
    Element root = root();
    identify(root, identity);
    root.setAttribute("type", accelerator == Accelerator.KVM ? "kvm" : "qemu");
    emulator(root, settings);
    if (!settings.machine().isEmpty()) {
      Xml.make(root, "os/type").setAttribute("machine", settings.machine());
    }
    if (Xml.find(root, "cpu/model").isEmpty()) {
      // A <cpu> without a model has features or a topology to keep.
      Element cpu = Xml.make(root, "cpu");
      cpu.setAttribute("mode", "custom");
      cpu.setAttribute("match", "exact");
      Element model = Xml.append(cpu, "model");
      model.setAttribute("fallback", "forbid");
      model.setTextContent(settings.cpuModel());
    }
    if (vcpus != null) {
      if (vcpus < 1) {
        throw new NepheleException(
            ErrorKind.USAGE, "A VM needs at least one CPU, not " + vcpus + ".");
      }
      Xml.removeAll(root, "vcpu");
      Xml.removeAll(root, "vcpus");
      Xml.text(root, "vcpu", vcpus.toString());
      Xml.find(root, "cpu").ifPresent(cpu -> Xml.removeAll(cpu, "topology"));
    }
    if (memoryKib != null) {
      if (memoryKib < 1024) {
        throw new NepheleException(
            ErrorKind.USAGE,
            "Memory is given in KiB, and a VM needs at least 1024, not " + memoryKib + ".");
      }
      Xml.removeAll(root, "currentMemory");
      Xml.removeAll(root, "memory");
      Xml.text(root, "memory", memoryKib.toString());
      Xml.make(root, "memory").setAttribute("unit", "KiB");
    }
    disk(root, disk);
    console(root, console);
    Xml.removeAll(root, "seclabel");
    return of(root);
  }

  /**
   * The domain that takes a captured state, from the captured VM's {@link Vm#captureXml}: the same
   * devices at the same addresses, the same CPU, memory, machine and MAC address, under another
   * identity and on another disk. QEMU waits for the state ({@code -incoming defer}).
   *
   * <p>The MAC address stays, because the guest has it in its memory already. Behind a user network
   * that harms nobody; on a bridge, two instances of one image have the same address.
   *
   * @throws NepheleException {@code REFUSED} when this has what no image may have: an image may
   *     come from elsewhere
   */
  public DomainXml forInstance(
      Identity identity, Disk.Overlay disk, Path console, Settings settings)
      throws NepheleException {
    requireSupported();
    Element root = root();
    identify(root, identity);
    emulator(root, settings);
    disk(root, disk);
    console(root, console);
    Xml.removeAll(root, "seclabel");
    CommandLine.waitForState(root);
    return of(root);
  }

  /**
   * The XML of a handoff's destination, from the source's {@link Vm#migratableXml}: the same
   * identity and devices, with the destination's paths, and without what waits for a restore.
   *
   * @param settings of the destination, where they differ
   */
  public DomainXml forDestination(Disk.Overlay disk, Path console, Settings settings)
      throws NepheleException {
    requireSupported();
    Element root = root();
    emulator(root, settings);
    disk(root, disk);
    console(root, console);
    Xml.removeAll(root, "seclabel");
    CommandLine.remove(root);
    return of(root);
  }

  /** This, with the {@code <cpu>} of another. */
  DomainXml withCpuOf(DomainXml other) {
    Element root = root();
    Xml.removeAll(root, "cpu");
    Xml.find(other.root(), "cpu")
        .ifPresent(cpu -> root.appendChild(root.getOwnerDocument().importNode(cpu, true)));
    return of(root);
  }

  private static void identify(Element root, Identity identity) throws NepheleException {
    checkTitle(identity.effectiveTitle());
    root.removeAttribute("id");
    Xml.text(root, "name", NAME_PREFIX + identity.uuid());
    Xml.text(root, "uuid", identity.uuid().toString());
    Xml.text(root, "title", identity.effectiveTitle());
    Xml.text(root, "description", identity.mark().role().description());
    identity.mark().write(Xml.make(root, "metadata"));
  }

  private static void emulator(Element root, Settings settings) {
    Element devices = Xml.make(root, "devices");
    Xml.removeAll(devices, "emulator");
    if (!settings.emulator().isEmpty()) {
      Xml.text(devices, "emulator", settings.emulator());
    }
  }

  private static void disk(Element root, Disk disk) {
    Element element = Xml.make(root, "devices/disk");
    element.setAttribute("type", "file");
    element.setAttribute("device", "disk");
    Element driver = Xml.make(element, "driver");
    driver.setAttribute("name", "qemu");
    driver.setAttribute("type", disk instanceof Disk.Raw ? "raw" : "qcow2");
    driver.setAttribute("discard", "unmap");
    Xml.removeAll(element, "source");
    Xml.removeAll(element, "backingStore");
    Xml.append(element, "source").setAttribute("file", disk.file().toString());
    Element backing = Xml.append(element, "backingStore");
    if (disk instanceof Disk.Overlay overlay) {
      // Spelt out, so that QEMU never guesses the format of the backing file, and with a label that
      // keeps libvirt from giving the image to QEMU's user, writable and for good.
      backing.setAttribute("type", "file");
      Xml.append(backing, "format").setAttribute("type", "raw");
      Element source = Xml.append(backing, "source");
      source.setAttribute("file", overlay.backing().toString());
      Element label = Xml.append(source, "seclabel");
      label.setAttribute("model", "dac");
      label.setAttribute("relabel", "no");
      Xml.append(backing, "backingStore");
    }
  }

  /**
   * Logs the first serial port; it stays a pty, so that virsh console works too. No other device
   * may log: root writes those files.
   */
  private static void console(Element root, Path file) {
    for (Element device : Xml.children(Xml.make(root, "devices"), "*")) {
      Xml.removeAll(device, "log");
    }
    consolePort(root)
        .ifPresent(
            port -> {
              Element log = Xml.append(port, "log");
              log.setAttribute("file", file.toString());
              log.setAttribute("append", "off");
            });
  }

  private static Optional<Element> consolePort(Element root) {
    return Xml.children(Xml.make(root, "devices"), "serial").stream()
        .filter(port -> port.getAttribute("type").equals("pty"))
        .findFirst();
  }

  public UUID uuid() throws NepheleException {
    String text = Xml.text(root(), "uuid").strip();
    try {
      return UUID.fromString(text);
    } catch (IllegalArgumentException e) {
      throw new NepheleException(
          ErrorKind.REFUSED, what + " has no valid UUID: '" + text + "'.", e);
    }
  }

  public String name() {
    return Xml.text(root(), "name");
  }

  /** Empty text when there is none. */
  public String title() {
    return Xml.text(root(), "title");
  }

  /** Empty when the domain isn't ours. */
  public Optional<Mark> mark() {
    return Xml.find(root(), "metadata").flatMap(Mark::read);
  }

  /** KVM or TCG. */
  public Accelerator accelerator() {
    return root().getAttribute("type").equals("kvm") ? Accelerator.KVM : Accelerator.TCG;
  }

  /** QEMU's machine type, such as {@code pc-i440fx-7.2}. */
  public String machine() {
    return Xml.attribute(root(), "os/type", "machine");
  }

  /** The named CPU model, or empty. */
  public String cpuModel() {
    return Xml.text(root(), "cpu/model").strip();
  }

  public int vcpus() throws NepheleException {
    String text = Xml.text(root(), "vcpu").strip();
    try {
      return text.isEmpty() ? 1 : Integer.parseInt(text);
    } catch (NumberFormatException e) {
      throw new NepheleException(ErrorKind.REFUSED, what + ": <vcpu> is not a number: " + text, e);
    }
  }

  /** KiB. */
  public long memoryKib() throws NepheleException {
    String text = Xml.text(root(), "memory").strip();
    String unit = Xml.attribute(root(), "memory", "unit");
    try {
      return Math.multiplyExact(Long.parseLong(text), unitBytes(unit)) / 1024;
    } catch (ArithmeticException | IllegalArgumentException e) {
      throw new NepheleException(
          ErrorKind.REFUSED, what + ": <memory> is not a size: " + text + " " + unit, e);
    }
  }

  /** libvirt's units: K and KiB are 1024, KB is 1000; none is KiB. */
  private static long unitBytes(String unit) {
    String lower = unit.isEmpty() ? "kib" : unit.toLowerCase(Locale.ROOT);
    if (lower.equals("b") || lower.equals("bytes")) {
      return 1;
    }
    int power = "kmgt".indexOf(lower.charAt(0)) + 1;
    String rest = lower.substring(1);
    if (power == 0 || !(rest.isEmpty() || rest.equals("ib") || rest.equals("b"))) {
      throw new IllegalArgumentException(unit);
    }
    return (long) Math.pow(rest.equals("b") ? 1000 : 1024, power);
  }

  /**
   * @throws NepheleException {@code REFUSED} when there is not exactly one disk on a file
   */
  public Disk disk() throws NepheleException {
    Element root = root();
    String file = Xml.attribute(root, "devices/disk/source", "file");
    if (file.isEmpty()) {
      throw new NepheleException(ErrorKind.REFUSED, what + " has no disk on a file.");
    }
    String backing = Xml.attribute(root, "devices/disk/backingStore/source", "file");
    return backing.isEmpty()
        ? new Disk.Raw(Path.of(file))
        : new Disk.Overlay(Path.of(file), Path.of(backing));
  }

  /** The log of the serial console, or empty. */
  public Optional<Path> console() {
    return consolePort(root())
        .map(port -> Xml.attribute(port, "log", "file"))
        .filter(file -> !file.isEmpty())
        .map(Path::of);
  }

  /** Whether the serial console can be logged and read: the first serial port is a pty. */
  public boolean hasConsole() {
    return consolePort(root()).isPresent();
  }

  /** Whether TCP ports can be forwarded: there is an {@code <interface type='user'>}. */
  public boolean forwardable() {
    return userInterface(root()).isPresent();
  }

  /** What its network interfaces are connected to, but for user networks. */
  Set<String> networks() {
    return Xml.children(Xml.make(root(), "devices"), "interface").stream()
        .map(DomainXml::network)
        .collect(Collectors.toSet());
  }

  /** Such as {@code bridge br0}. */
  static String network(Element nic) {
    String type = nic.getAttribute("type");
    return type
        + " "
        + (type.equals("bridge") || type.equals("network")
            ? Xml.attribute(nic, "source", type)
            : "");
  }

  /** QEMU's name of the user network, such as {@code hostnet0}; only in a live XML. */
  Optional<String> userNetdev() {
    // libvirt names a NIC's backend "host" and the alias of the NIC.
    return userInterface(root())
        .map(nic -> Xml.attribute(nic, "alias", "name"))
        .filter(alias -> !alias.isEmpty())
        .map(alias -> "host" + alias);
  }

  private static Optional<Element> userInterface(Element root) {
    return Xml.children(Xml.make(root, "devices"), "interface").stream()
        .filter(nic -> nic.getAttribute("type").equals("user"))
        .findFirst();
  }

  /** Whether the guest agent's channel has somebody at the guest's end; only in a live XML. */
  boolean agentConnected() {
    return Xml.children(Xml.make(root(), "devices"), "channel").stream()
        .flatMap(channel -> Xml.find(channel, "target").stream())
        .anyMatch(
            target ->
                target.getAttribute("name").equals("org.qemu.guest_agent.0")
                    && target.getAttribute("state").equals("connected"));
  }

  /** The XML as text. */
  @Override
  public String toString() {
    return xml;
  }

  /** A tree of its own, to change at will. */
  private Element root() {
    try {
      return Xml.parse(xml, what).getDocumentElement();
    } catch (NepheleException e) {
      throw new IllegalStateException(e);
    }
  }

  private DomainXml of(Element root) {
    Document document = root.getOwnerDocument();
    return new DomainXml(Xml.write(document), what);
  }
}
