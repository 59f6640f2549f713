package org.nephele.server.libvirt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.Settings;
import org.nephele.server.Settings.Accelerator;

class DomainXmlTest {
  private static final Path TEMPLATE = Path.of("src/dist/etc/nephele/VM_TEMPLATE.xml");
  private static final UUID ID = UUID.fromString("0b5ad4c6-5d7a-4a2c-9b57-0f4f1c1f6f11");
  private static final Mark MARK = new Mark(Mark.Role.INSTANCE, Map.of("image", "0123456789ab"));
  private static final Disk.Overlay OVERLAY =
      new Disk.Overlay(
          Path.of("/var/nephele/instances/x/disk.qcow2"), Path.of("/var/nephele/images/y/disk"));
  private static final Path CONSOLE = Path.of("/var/nephele/instances/x/console.log");

  private static DomainXml build(String title, Settings settings) throws NepheleException {
    return DomainXml.read(TEMPLATE)
        .forBuild(
            new DomainXml.Identity(ID, title, MARK),
            new Disk.Raw(Path.of("/var/nephele/tmp/disk.raw")),
            CONSOLE,
            null,
            null,
            Accelerator.TCG,
            settings);
  }

  private static DomainXml with(String element) throws NepheleException {
    String text = DomainXml.read(TEMPLATE).toString();
    return DomainXml.parse(text.replace("</devices>", element + "</devices>"));
  }

  @Test
  void theTemplateThatWeShipCanBeUsed() throws Exception {
    DomainXml template = DomainXml.read(TEMPLATE);

    assertThat(template.unsupported()).isEmpty();
    assertThat(template.vcpus()).isEqualTo(2);
    assertThat(template.memoryKib()).isEqualTo(2 << 20);
    assertThat(template.mark()).isEmpty();
    assertThat(template.forwardable()).isTrue();
    assertThat(template.hasConsole()).isTrue();
  }

  @Test
  void aBuildHasItsIdentityDiskAndConsole() throws Exception {
    DomainXml xml = build(null, Settings.defaults());

    assertThat(xml.name()).isEqualTo("nephele-" + ID);
    assertThat(xml.title()).isEqualTo("nephele-" + ID);
    assertThat(xml.uuid()).isEqualTo(ID);
    assertThat(xml.mark()).contains(MARK);
    assertThat(xml.accelerator()).isEqualTo(Accelerator.TCG);
    assertThat(xml.cpuModel()).isEqualTo("Westmere");
    assertThat(xml.machine()).isEqualTo("pc");
    assertThat(xml.disk()).isEqualTo(new Disk.Raw(Path.of("/var/nephele/tmp/disk.raw")));
    assertThat(xml.console()).contains(CONSOLE);
    assertThat(xml.toString()).contains("managed by Nephele").doesNotContain("<emulator>");
  }

  @Test
  void settingsAndOptionsGoBeforeTheTemplate() throws Exception {
    Settings defaults = Settings.defaults();
    Settings settings =
        new Settings(
            Accelerator.KVM,
            "/opt/qemu",
            "Nehalem",
            "pc-q35-7.2",
            defaults.forwardAddress(),
            defaults.libvirtUri(),
            defaults.nodeKey());

    DomainXml xml =
        DomainXml.read(TEMPLATE)
            .forBuild(
                new DomainXml.Identity(ID, "t", MARK),
                new Disk.Raw(Path.of("/d")),
                CONSOLE,
                3,
                65536L,
                Accelerator.KVM,
                settings);

    assertThat(xml.accelerator()).isEqualTo(Accelerator.KVM);
    assertThat(xml.cpuModel()).isEqualTo("Nehalem");
    assertThat(xml.machine()).isEqualTo("pc-q35-7.2");
    assertThat(xml.vcpus()).isEqualTo(3);
    assertThat(xml.memoryKib()).isEqualTo(65536);
    assertThat(xml.toString()).contains("<emulator>/opt/qemu</emulator>");
  }

  @Test
  void aCpuInTheTemplateStays() throws Exception {
    String text =
        DomainXml.read(TEMPLATE)
            .toString()
            .replace("<features>", "<cpu><model>Penryn</model></cpu><features>");

    DomainXml xml =
        DomainXml.parse(text)
            .forBuild(
                new DomainXml.Identity(ID, "t", MARK),
                OVERLAY,
                CONSOLE,
                null,
                null,
                Accelerator.TCG,
                Settings.defaults());

    assertThat(xml.cpuModel()).isEqualTo("Penryn");
  }

  @Test
  void anInstanceWaitsForItsStateOnAnOverlayThatLeavesTheImageAlone() throws Exception {
    DomainXml xml =
        build("base", Settings.defaults())
            .forInstance(
                new DomainXml.Identity(ID, "t", MARK), OVERLAY, CONSOLE, Settings.defaults());

    assertThat(xml.disk()).isEqualTo(OVERLAY);
    assertThat(xml.toString())
        .contains("type=\"qcow2\"")
        .contains("discard=\"unmap\"")
        .contains("<seclabel model=\"dac\" relabel=\"no\"/>")
        .contains("<qemu:arg value=\"-incoming\"/><qemu:arg value=\"defer\"/>");
    assertThat(xml.unsupported()).isEmpty();
  }

  @Test
  void aDestinationKeepsTheIdentityAndDoesNotWait() throws Exception {
    DomainXml instance =
        build("base", Settings.defaults())
            .forInstance(
                new DomainXml.Identity(ID, "my VM", MARK), OVERLAY, CONSOLE, Settings.defaults());
    Disk.Overlay there = new Disk.Overlay(Path.of("/o"), Path.of("/b"));

    DomainXml xml = instance.forDestination(there, Path.of("/c"), Settings.defaults());

    assertThat(xml.uuid()).isEqualTo(ID);
    assertThat(xml.title()).isEqualTo("my VM");
    assertThat(xml.mark()).contains(MARK);
    assertThat(xml.disk()).isEqualTo(there);
    assertThat(xml.console()).contains(Path.of("/c"));
    assertThat(xml.toString()).doesNotContain("incoming");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a \"quoted\" 'title'",
        "a < b & c > d ]]> <!-- x -->",
        "Grüße, 雲, \uD83D\uDE80, &amp;",
        "  spaces  ",
        "${jndi} %s $(id) `id`"
      })
  void aTitleComesBackAsItWas(String title) throws Exception {
    DomainXml once = build(title, Settings.defaults());

    DomainXml twice = DomainXml.parse(once.toString());

    assertThat(twice.title()).isEqualTo(title);
    assertThat(twice.forDestination(OVERLAY, CONSOLE, Settings.defaults()).title())
        .isEqualTo(title);
  }

  @Test
  void aLongTitleComesBackAsItWas() throws Exception {
    String title = "<é\uD83D\uDE80&".repeat(2000);

    assertThat(DomainXml.parse(build(title, Settings.defaults()).toString()).title())
        .isEqualTo(title);
  }

  @Test
  void factsOfTheMarkMayHaveAnyText() throws Exception {
    Mark mark = new Mark(Mark.Role.SNAPSHOT_BUILD, Map.of("path", "/a <b> \uD83D\uDE80 \"c\""));

    DomainXml xml =
        build("x", Settings.defaults())
            .forInstance(
                new DomainXml.Identity(ID, "t", mark), OVERLAY, CONSOLE, Settings.defaults());

    assertThat(DomainXml.parse(xml.toString()).mark()).contains(mark);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "  ",
        "a\nb",
        "a\rb",
        "a\tb",
        "a\u0000",
        "\u001b[2J",
        "\uD83D",
        "a\u2028b",
        "a\uFFFE"
      })
  void aTitleThatLibvirtOrXmlCannotTakeIsRefused(String title) {
    assertThatThrownBy(() -> build(title, Settings.defaults()))
        .isInstanceOf(NepheleException.class)
        .hasMessageContaining("title");
  }

  @Test
  void aDoctypeIsRefused() {
    assertThatThrownBy(
            () ->
                DomainXml.parse(
                    "<!DOCTYPE domain [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>"
                        + "<domain><title>&x;</title></domain>"))
        .isInstanceOf(NepheleException.class)
        .hasMessageContaining("DOCTYPE");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "<domain>", "<network/>", "<domain xmlns='urn:x'/>", "not XML"})
  void whatIsNoDomainIsRefused(String text) {
    assertThatThrownBy(() -> DomainXml.parse(text)).isInstanceOf(NepheleException.class);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "<disk type='file' device='cdrom'><target dev='hdc'/></disk>|cdrom",
        "<disk type='file' device='disk'><target dev='vdb'/></disk>|2 disks",
        "<hostdev mode='subsystem' type='pci'/>|host",
        "<tpm model='tpm-tis'/>|TPM",
        "<filesystem type='mount'/>|shared",
        "<shmem name='x'/>|shared",
        "<memory model='dimm'/>|Memory devices",
        "<interface type='direct'/>|direct",
        "<interface type='hostdev'/>|hostdev",
        "<graphics type='spice'/>|VNC",
        "<redirdev bus='usb'/>|USB",
        "<vsock model='virtio'/>|vsock",
        "<serial type='file'><source path='/etc/x'/></serial>|pty",
        "<channel type='unix'><source path='/x'/></channel>|channel",
        "<rng><backend model='random'>/dev/sda</backend></rng>|rng",
        "<interface type='bridge'><script path='/x'/></interface>|programs",
        "<input type='evdev'/>|evdev",
        "<crypto model='virtio'/>|crypto"
      })
  void whatCannotGoAlongIsRefusedWithASentence(String element, String word) throws Exception {
    assertThat(with(element).unsupported())
        .singleElement()
        .satisfies(reason -> assertThat(reason).contains(word).endsWith("."));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "<os>|<os firmware='efi'>|UEFI",
        "<os>|<os><loader>/x</loader>|UEFI",
        "<os>|<os><nvram/>|UEFI",
        "<os>|<os><acpi><table type='slic'>/x</table></acpi>|acpi",
        "<features>|<sysinfo type='fwcfg'/><features>|fwcfg",
        "<features>|<idmap/><features>|idmap",
        "<os>|<os><kernel>/x</kernel>|kernel",
        "<features>|<memoryBacking><access mode='shared'/></memoryBacking><features>|memoryBacking",
        "<features>|<cpu mode='host-passthrough'/><features>|CPU",
        "<domain type='qemu'>|<domain type='xen'>|QEMU",
        "type='file' device='disk'|type='block' device='disk'|block",
        "<features>|<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><qemu:arg value='-S'/></qemu:commandline><features>|command line"
      })
  void aMachineThatCannotBeCapturedIsRefused(String place, String change, String word)
      throws Exception {
    String text = DomainXml.read(TEMPLATE).toString();
    assertThat(text).contains(place);

    DomainXml xml = DomainXml.parse(text.replaceFirst(place, change));

    assertThat(xml.unsupported()).singleElement().asString().contains(word).endsWith(".");
    assertThatThrownBy(
            () ->
                xml.forInstance(
                    new DomainXml.Identity(ID, "t", MARK), OVERLAY, CONSOLE, Settings.defaults()))
        .isInstanceOf(NepheleException.class)
        .hasMessageContaining(word);
  }

  @Test
  void aBridgeWorksWithoutForwards() throws Exception {
    DomainXml xml =
        DomainXml.parse(
            DomainXml.read(TEMPLATE)
                .toString()
                .replace(
                    "<interface type='user'>", "<interface type='bridge'><source bridge='br0'/>"));

    assertThat(xml.unsupported()).isEmpty();
    assertThat(xml.forwardable()).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "1,b,0",
    "2048,bytes,2",
    "1024,KiB,1024",
    "1000,KB,976",
    "3,,3",
    "1,MiB,1024",
    "2,G,2097152",
    "1,TiB,1073741824"
  })
  void memoryIsReadInAnyUnit(long number, String unit, long kib) throws Exception {
    String attribute = unit == null ? "" : " unit='" + unit + "'";

    DomainXml xml =
        DomainXml.parse("<domain><memory" + attribute + ">" + number + "</memory></domain>");

    assertThat(xml.memoryKib()).isEqualTo(kib);
  }

  @ParameterizedTest
  @CsvSource({"x,KiB", "1,parsec", "1,", "99999999999999999,TiB"})
  void memoryThatIsNoSizeIsRefused(String number, String unit) {
    String text = unit == null ? "-" : unit;
    assertThatThrownBy(
            () ->
                DomainXml.parse(
                        "<domain><memory unit='" + text + "'>" + number + "</memory></domain>")
                    .memoryKib())
        .isInstanceOf(NepheleException.class);
  }

  @Test
  void othersMetadataStays() throws Exception {
    String text =
        DomainXml.read(TEMPLATE)
            .toString()
            .replace("<features>", "<metadata><o:os xmlns:o='urn:other'/></metadata><features>");

    DomainXml xml =
        DomainXml.parse(text)
            .forInstance(
                new DomainXml.Identity(ID, "t", MARK), OVERLAY, CONSOLE, Settings.defaults())
            .forInstance(
                new DomainXml.Identity(ID, "t", MARK), OVERLAY, CONSOLE, Settings.defaults());

    assertThat(xml.toString()).contains("urn:other").containsOnlyOnce("<nephele:vm");
    assertThat(xml.mark()).contains(MARK);
  }

  @Test
  void anImageFromElsewhereDoesNotChooseTheHostsFilesProgramsAndUsers() throws Exception {
    String text =
        build("x", Settings.defaults())
            .toString()
            .replace("<devices>", "<devices><emulator>/bin/sh</emulator>")
            .replace("/var/nephele/tmp/disk.raw", "/etc/shadow")
            .replace(
                "<channel type=\"unix\">", "<channel type=\"unix\"><log file=\"/etc/passwd\"/>")
            .replace(
                "<devices>",
                "<seclabel type='static' model='dac'><label>0:0</label></seclabel><devices>");

    DomainXml xml =
        DomainXml.parse(text)
            .forInstance(
                new DomainXml.Identity(ID, "t", MARK), OVERLAY, CONSOLE, Settings.defaults());

    assertThat(xml.toString())
        .doesNotContain("/bin/sh")
        .doesNotContain("/etc/shadow")
        .doesNotContain("/etc/passwd")
        .doesNotContain("0:0");
    assertThatCode(xml::disk).doesNotThrowAnyException();
    assertThat(List.of(xml.disk())).containsExactly(OVERLAY);
  }
}
