package org.nephele.server.libvirt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nephele.core.libvirtrpc.FinishGate;
import org.nephele.core.libvirtrpc.LibvirtRelay;
import org.nephele.core.libvirtrpc.MigrationRules;
import org.nephele.core.libvirtrpc.RefusedCallException;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.Settings.Accelerator;

/**
 * What libvirt's clients 9.0 and 11.3 really sent in a handoff passes; what somebody with a stolen
 * key could send instead reaches no libvirtd.
 */
class ArrivalTest {
  private static final String ID = "f79bba3d-c3b6-49bc-88af-3c3f40c34187";
  private static final String DISK = "/var/nephele/instances/" + ID + "/disk.qcow2";
  private static final String IMAGE = "/var/nephele/images/tiny.qcow2/disk.raw";
  private static final String LOG = "/var/nephele/instances/" + ID + "/console.log";
  private static final String SOCKETS = "unix:///run/nephele-handoff/";
  private static final String OLD = SOCKETS + "54ce0c43c4b43fd4496903a28a6ea479/";
  private static final String NEW = SOCKETS + "5034a9eefaf71be77f60be6c9790d86a/";
  private static final int FLAGS = 0x400a1;

  private static final Map<String, String> SENT = sent();

  private static Map<String, String> sent() {
    try {
      ByteBuffer in = ByteBuffer.wrap(recorded("prepare-libvirt-9.0")).position(28);
      Map<String, String> sent = new LinkedHashMap<>();
      for (int i = in.getInt(); i > 0; i--) {
        String name = text(in);
        in.getInt();
        sent.put(name, text(in));
      }
      sent.put("cookie", text(in));
      assertThat(in.getInt()).isEqualTo(FLAGS);
      return sent;
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String text(ByteBuffer in) {
    byte[] bytes = new byte[in.getInt()];
    in.get(bytes);
    in.position(in.position() + (-bytes.length & 3));
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static byte[] recorded(String name) throws IOException {
    try (InputStream in = ArrivalTest.class.getResourceAsStream(name + ".bin")) {
      return in.readAllBytes();
    }
  }

  private static Arrival arrival() throws NepheleException {
    return new Arrival(
        UUID.fromString(ID),
        new Disk.Overlay(Path.of(DISK), Path.of(IMAGE)),
        Path.of(LOG),
        Path.of("/usr/bin/qemu-system-x86_64"),
        Accelerator.TCG,
        "pc-i440fx-7.2",
        "Westmere",
        1,
        196608,
        DomainXml.parse(
            "<domain type='qemu'><devices><interface type='bridge'><source bridge='br0'/>"
                + "</interface></devices></domain>"));
  }

  private static MigrationRules rules(String sockets) throws NepheleException {
    Arrival arrival = arrival();
    return new MigrationRules(
        new MigrationRules.Expected(
            arrival.name(), sockets + "qemu.sock", sockets + "nbd.sock", Arrival.flags()),
        arrival);
  }

  /** What reaches libvirtd of these packets. */
  private static byte[] relay(MigrationRules rules, byte[]... packets) throws IOException {
    ByteArrayOutputStream client = new ByteArrayOutputStream();
    for (byte[] packet : packets) {
      client.write(packet);
    }
    ByteArrayOutputStream server = new ByteArrayOutputStream();
    FinishGate none =
        new FinishGate() {
          @Override
          public void finished() {}

          @Override
          public void ended() {}
        };
    try {
      new LibvirtRelay(
              new ByteArrayInputStream(client.toByteArray()),
              OutputStream.nullOutputStream(),
              InputStream.nullInputStream(),
              server,
              LibvirtRelay.Side.SERVER,
              none,
              rules)
          .calls();
    } catch (RefusedCallException e) {
      assertThat(server.size()).as("nothing of it passed").isZero();
      throw e;
    }
    return server.toByteArray();
  }

  private static byte[] call(int procedure, byte[] payload) {
    return ByteBuffer.allocate(28 + payload.length)
        .putInt(28 + payload.length)
        .putInt(0x20008086)
        .putInt(1)
        .putInt(procedure)
        .putInt(0)
        .putInt(9)
        .putInt(0)
        .put(payload)
        .array();
  }

  private static byte[] xdr(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(4 + bytes.length + (-bytes.length & 3))
        .putInt(bytes.length)
        .put(bytes)
        .array();
  }

  private static byte[] word(int word) {
    return ByteBuffer.allocate(4).putInt(word).array();
  }

  private static byte[] join(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }

  private static byte[] prepare(Map<String, String> changed, int flags) {
    Map<String, String> parameters = new LinkedHashMap<>(SENT);
    parameters.putAll(changed);
    String cookie = parameters.remove("cookie");
    byte[] payload = word(parameters.size());
    for (Map.Entry<String, String> parameter : parameters.entrySet()) {
      payload = join(payload, xdr(parameter.getKey()), word(7), xdr(parameter.getValue()));
    }
    return call(303, join(payload, xdr(cookie), word(flags)));
  }

  private static void assertRefused(byte[] packet) {
    assertThatThrownBy(() -> relay(rules(OLD), packet)).isInstanceOf(RefusedCallException.class);
  }

  private static void assertXmlRefused(String xml) {
    assertThat(xml).isNotEqualTo(SENT.get("destination_xml"));
    assertRefused(prepare(Map.of("destination_xml", xml), FLAGS));
  }

  private static String xml() {
    return SENT.get("destination_xml");
  }

  @ParameterizedTest
  @CsvSource({"9.0," + OLD, "11.3," + NEW})
  void whatLibvirtReallySendsPasses(String version, String sockets) throws Exception {
    byte[] open = recorded("open-libvirt-" + version);
    byte[] prepare = recorded("prepare-libvirt-" + version);
    byte[] finish = recorded("finish-libvirt-" + version);

    assertThat(relay(rules(sockets), open, prepare, finish)).isEqualTo(join(open, prepare, finish));
  }

  @Test
  void thePacketsOfTheseTestsAreGoodUnlessChanged() throws Exception {
    byte[] prepare = prepare(Map.of(), FLAGS);

    assertThat(prepare).isEqualTo(withSerial(recorded("prepare-libvirt-9.0")));
    assertThat(relay(rules(OLD), prepare)).isEqualTo(prepare);
  }

  private static byte[] withSerial(byte[] packet) {
    ByteBuffer.wrap(packet).putInt(20, 9);
    return packet;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "qemu:///session",
        "qemu:///embed?root=/",
        "qemu+ssh://x/system?command=/bin/sh",
        "qemu+ext:///system?command=/bin/sh",
        "qemu:///system?socket=/x",
        "lxc:///system",
        "test:///etc/shadow"
      })
  void onlyTheSystemsQemuIsOpened(String uri) {
    assertRefused(call(1, join(word(1), xdr(uri), word(0))));
  }

  @Test
  void neitherADefaultNorFlagsAreOpened() {
    assertRefused(call(1, join(word(0), word(0))));
    assertRefused(call(1, join(word(1), xdr("qemu:///system"), word(1))));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 0x40081, 0x410a1, 0x400a9, 0x400a3, 0x400b1, 0x401a1, 0x80000000})
  void onlyOurFlagsPass(int flags) throws Exception {
    assertRefused(prepare(Map.of(), flags));
    byte[] finish = recorded("finish-libvirt-9.0");
    ByteBuffer.wrap(finish).putInt(finish.length - 8, flags);
    byte[] prepare = prepare(Map.of(), FLAGS);
    MigrationRules rules = rules(OLD);
    relay(rules, prepare);
    assertThatThrownBy(() -> relay(rules, finish)).isInstanceOf(RefusedCallException.class);
  }

  @ParameterizedTest
  @CsvSource({
    "migrate_uri,tcp:0.0.0.0",
    "migrate_uri,unix:///run/libvirt/libvirt-sock",
    "migrate_uri,exec:id",
    "disks_uri,tcp://0.0.0.0:10809",
    "listen_address,0.0.0.0",
    "persistent_xml,<domain/>",
    "migrate_disks,vda",
    "tls.destination,x",
    "graphics_uri,vnc://x",
    "destination_name,other"
  })
  void onlyOurParametersPass(String name, String value) {
    assertRefused(prepare(Map.of(name, value), FLAGS));
  }

  @Test
  void aSecondPrepareAndAFinishWithoutOneDoNotPass() throws Exception {
    byte[] prepare = prepare(Map.of(), FLAGS);
    MigrationRules rules = rules(OLD);
    relay(rules, prepare);
    assertThatThrownBy(() -> relay(rules, prepare)).hasMessageContaining("twice");
    assertRefused(recorded("finish-libvirt-9.0"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        ID + "|6f79bba3-c3b6-49bc-88af-3c3f40c34187",
        "<name>nephele-|<name>other-",
        "role=\"instance\"|role=\"image-build\"",
        "urn:nephele:domain:1|urn:other",
        "<title>one|<title>",
        "type='qemu'>|type='kvm'>",
        "pc-i440fx-7.2|pc-q35-7.2",
        "Westmere|qemu64",
        "196608</memory>|99999999</memory>",
        "'static'>1<|'static'>64<",
        "/usr/bin/qemu-system-x86_64|/bin/sh",
        DISK + "|/etc/shadow",
        DISK + "|disk.qcow2",
        IMAGE + "|/etc/shadow",
        IMAGE + "|/dev/sda",
        LOG + "|/etc/cron.d/x",
        "type='qcow2'|type='raw'",
        "<format type='raw'/>|<format type='qcow2'/>",
        "type='file' device='disk'|type='block' device='disk'",
        "relabel='no'|relabel='yes'",
        "<seclabel model='dac' relabel='no'/>|<seclabel model='selinux' relabel='no'/>",
        "<seclabel model='dac' relabel='no'/>|",
        "<backingStore/>|<backingStore type='file'><source file='/etc/shadow'/></backingStore>",
        "<on_crash>destroy|<on_crash>coredump-destroy",
        "listen='127.0.0.1'|listen='0.0.0.0'",
        "address='127.0.0.1'|address='0.0.0.0'",
        "<listen type='address' address='127.0.0.1'/>|<listen type='network' network='default'/>",
        "<listen type='address' address='127.0.0.1'/>|<listen type='socket' socket='/tmp/x'/>",
        "/dev/urandom|/etc/shadow",
        "<interface type='user'>|<interface type='bridge'><source bridge='br1'/>",
        "<interface type='user'>|<interface type='network'><source network='default'/>",
        "<interface type='user'>|<interface type='ethernet'>",
        "<interface type='user'>|<interface type='vhostuser'><source type='unix' path='/x'/>",
        "<interface type='user'>|<interface type='user'><backend type='passt' logFile='/x'/>",
        "<interface type='user'>|<interface type='user'><rom file='/etc/shadow'/>",
        "<interface type='user'>|<interface type='bridge'><source bridge='br0'/><target dev='eth0'/>",
        "<serial type='pty'>|<serial type='file'>",
        "<console type='pty'>|<console type='unix'>",
        "<channel type='unix'>|<channel type='unix'><source mode='bind' path='/etc/x'/>",
        "<channel type='unix'>|<channel type='unix'><log file='" + LOG + "'/>",
        "</os>|<kernel>/etc/shadow</kernel></os>",
        "</os>|<loader type='rom'>/etc/shadow</loader></os>",
        "<features>|<seclabel type='static' model='dac'><label>0:0</label></seclabel><features>",
        "<features>|<seclabel type='none'/><features>",
        "<features>|<memoryBacking><hugepages/></memoryBacking><features>",
        "<features>|<cputune><vcpusched vcpus='0' scheduler='fifo' priority='1'/></cputune><features>",
        "<features>|<resource><partition>/system</partition></resource><features>",
        "</devices>|<hostdev mode='subsystem' type='usb'/></devices>",
        "</devices>|<filesystem type='mount'><source dir='/'/><target dir='x'/></filesystem></devices>",
        "</devices>|<tpm model='tpm-tis'><backend type='emulator'/></tpm></devices>",
        "</devices>|<watchdog model='ib700' action='dump'/></devices>",
        "</devices>|</devices><devices><emulator>/bin/sh</emulator></devices>",
        "</devices>|<emulator>/bin/sh</emulator></devices>",
        "<name>|<name>other</name><name>",
        "<target dev='vda' bus='virtio'/>|<target dev='vda' bus='virtio'/><source file='/etc/shadow'/>",
        "<target dev='vda' bus='virtio'/>|<target dev='vda' bus='virtio'/><x:source xmlns:x='y' file='/etc/shadow'/>",
        "<source file='/var|<source xmlns:x='y' x:file='/etc/shadow' file='/var",
        "<domain type='qemu'>|<?xml version='1.0' encoding='UTF-7'?><domain type='qemu'>",
        "<domain type='qemu'>|<!DOCTYPE domain><domain type='qemu'>",
        "<title>|<!-- --><title>",
        "<domain type='qemu'>|<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><qemu:commandline><qemu:arg value='-S'/></qemu:commandline>",
        "<domain type='qemu'>|<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><qemu:commandline><qemu:arg value='-incoming'/><qemu:arg value='defer'/></qemu:commandline>",
      })
  void onlyTheDomainThatWasPreparedForPasses(String what, String instead) {
    assertXmlRefused(xml().replace(what, instead == null ? "" : instead));
  }

  @Test
  void aBridgeOfTheImageMayBeUsed() {
    String bridged =
        xml().replace("<interface type='user'>", "<interface type='bridge'><source bridge='br0'/>");

    assertThatCode(() -> relay(rules(OLD), prepare(Map.of("destination_xml", bridged), FLAGS)))
        .doesNotThrowAnyException();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        ID + "|6f79bba3-c3b6-49bc-88af-3c3f40c34187",
        "name='lockstate'|name='persistent'",
        "</nbd>|</nbd><persistent><domain/></persistent>",
        "</nbd>|</nbd><lockstate driver='x'><leases/></lockstate>",
        "</nbd>|</nbd><network><interface vporttype='openvswitch'><portdata>x</portdata></interface></network>",
        "</nbd>|</nbd><blockDirtyBitmaps/>",
        "</nbd>|</nbd><hostname>/etc/shadow</hostname>",
        "<qemu-migration>|<!DOCTYPE x><qemu-migration>",
        "<disk target='vda'|<disk target='/etc/shadow'",
      })
  void onlyAPlainCookiePasses(String what, String instead) {
    String cookie = SENT.get("cookie").replace(what, instead);
    assertThat(cookie).isNotEqualTo(SENT.get("cookie"));

    assertRefused(prepare(Map.of("cookie", cookie), FLAGS));
  }

  @Test
  void lengthsAreLimited() {
    assertRefused(prepare(Map.of("cookie", "x".repeat(70_000)), FLAGS));
    assertXmlRefused(xml().replace("<title>one", "<title>" + "x".repeat(100_000)));
    assertXmlRefused(xml() + " ".repeat(1 << 20));
    assertXmlRefused(xml() + "\0");
    assertRefused(call(303, word(Integer.MAX_VALUE)));
    assertRefused(call(303, word(-1)));
    assertRefused(call(303, join(word(1), word(Integer.MAX_VALUE))));
    assertRefused(call(303, join(word(1), xdr("migrate_uri"), word(7), word(-4))));
    assertRefused(call(303, join(word(1), xdr("migrate_uri"), word(99))));
    assertRefused(call(303, join(word(1), xdr("bandwidth"), word(4), new byte[8])));
  }

  @Test
  void aPacketThatIsCutAnywhereIsRefused() throws Exception {
    byte[] whole = recorded("prepare-libvirt-9.0");
    for (int length = 28; length < whole.length; length += length < 400 ? 1 : 97) {
      assertRefused(call(303, Arrays.copyOfRange(whole, 28, length)));
    }
    assertRefused(call(303, join(Arrays.copyOfRange(whole, 28, whole.length), word(0))));
  }
}
