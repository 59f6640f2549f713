package org.nephele.server.instance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nephele.core.format.Hasher;
import org.nephele.core.format.ImageManifest;
import org.nephele.core.format.ImageZip;
import org.nephele.core.format.Machine;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.Settings;
import org.nephele.server.image.Image;
import org.nephele.server.image.Images;
import org.nephele.server.instance.InstanceRecord.State;
import org.nephele.server.libvirt.Hypervisor;
import org.nephele.server.store.Store;

/** What goes on in the files; libvirt's test driver has none of our domains. */
class InstancesTest {
  @TempDir Path folder;
  private Store store;
  private Images images;
  private Hypervisor hypervisor;
  private Instances instances;
  private Image image;

  @BeforeEach
  void aNode() throws Exception {
    store = Store.open(folder.resolve("nephele"));
    images = new Images(store, "node1");
    image = anImage();
    Settings defaults = Settings.defaults();
    hypervisor =
        Hypervisor.open(
            new Settings(
                defaults.accelerator(),
                defaults.emulator(),
                defaults.cpuModel(),
                defaults.machine(),
                "127.0.0.1",
                "test:///default",
                defaults.nodeKey()));
    instances = restarted();
  }

  @AfterEach
  void close() {
    hypervisor.close();
  }

  private Instances restarted() throws Exception {
    images = new Images(store, "node1");
    Instances fresh =
        new Instances(store, images, new Ports("127.0.0.1", "node1", 1), hypervisor, "node1");
    fresh.recover();
    return fresh;
  }

  private Image anImage() throws Exception {
    Path files = Files.createDirectory(store.images().resolve("tiny.img"));
    for (String name :
        List.of(ImageZip.DISK, ImageZip.MEMORY, ImageZip.DEVICE_STATE, ImageZip.DOMAIN)) {
      Files.writeString(files.resolve(name), name);
    }
    ImageManifest manifest =
        ImageManifest.of(
            "tiny.img",
            "/x",
            Instant.EPOCH,
            Hasher.hash(files.resolve(ImageZip.DISK), n -> {}),
            Hasher.hash(files.resolve(ImageZip.MEMORY), n -> {}),
            Hasher.hash(files.resolve(ImageZip.DEVICE_STATE), n -> {}),
            Hasher.hash(files.resolve(ImageZip.DOMAIN), n -> {}),
            new Machine("pc", "Westmere", "7.2.22", 1, 65536));
    Files.write(files.resolve(ImageZip.MANIFEST), manifest.toJson());
    return new Image(files, manifest);
  }

  private InstanceRecord record(String title, State state, Integer... ports) {
    return new InstanceRecord(
        0,
        UUID.randomUUID(),
        title,
        "/s.zip",
        image.id(),
        image.name(),
        image.content(),
        List.of(ports),
        "127.0.0.1",
        "2026-01-02T03:04:05Z",
        state);
  }

  private Instance running(String title, Integer... ports) throws Exception {
    return instances.prepare(record(title, State.STARTING, ports), image).commit();
  }

  @Test
  void whatEndedWhileItArrivedIsLostAndItsDiskIsKept() throws Exception {
    NewInstance fresh = instances.prepare(record("arrives", State.ARRIVING), image);
    fresh.domainEnded();
    Instance lost = fresh.commit();

    assertThat(lost.record().state()).isEqualTo(State.LOST);
    assertThat(lost.folder()).isDirectory();
    assertThat(instances.list()).isEmpty();

    instances.departed(lost.uuid());
    assertThat(lost.folder()).doesNotExist();
    assertThat(instances.removeLost(lost.uuid().toString())).isNull();
  }

  @Test
  void anInstanceIsSeenWhenItIsCommitted() throws Exception {
    try (NewInstance fresh = instances.prepare(record("a \"b\" <c>", State.STARTING), image)) {
      assertThat(instances.list()).isEmpty();
      assertThat(fresh.instance().folder()).isDirectory();
      fresh.commit();
    }
    Instance found = instances.find("a \"b\" <c>");
    assertThat(instances.list()).containsExactly(found);
    assertThat(found.record().state()).isEqualTo(State.RUNNING);
    assertThat(instances.find(found.uuid().toString())).isEqualTo(found);
    assertThat(InstanceRecord.read(found.folder())).isEqualTo(found.record());
  }

  @Test
  void oneThatIsNotCommittedLeavesNothing() throws Exception {
    int port = freePort();
    try (NewInstance fresh = instances.prepare(record("a", State.STARTING, port), image)) {
      Files.writeString(fresh.instance().disk(), "overlay");
    }
    assertThat(store.instances()).isEmptyDirectory();
    running("b", port);
    assertThatThrownBy(() -> instances.prepare(record("c", State.ARRIVING, port), image))
        .hasMessageContaining("belongs to instance 'b'");
    assertThat(instances.list()).hasSize(1);
  }

  @Test
  void titlesMustBeUniqueToBeUsed() throws Exception {
    Instance one = running("same");
    Instance two = running("same");
    assertThatThrownBy(() -> instances.find("same"))
        .isInstanceOfSatisfying(
            NepheleException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.REFUSED))
        .hasMessageContaining(one.uuid().toString())
        .hasMessageContaining(two.uuid().toString());
    assertThat(instances.find(one.uuid().toString().toUpperCase())).isEqualTo(one);
    assertThatThrownBy(() -> instances.find("other"))
        .isInstanceOfSatisfying(
            NepheleException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.NOT_FOUND));
  }

  @Test
  void onlyOneMayWorkOnAnInstance() throws Exception {
    running("a");
    InstanceClaim claim = instances.claim("a", "is being handed off to node2", "ssh://node2");
    assertThatThrownBy(() -> instances.claim("a", "is being stopped", null))
        .isInstanceOfSatisfying(
            NepheleException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.BUSY))
        .hasMessageContaining("is being handed off to node2.");
    claim.close();
    instances.claim("a", "is being stopped", null).close();
  }

  @Test
  void oneThatDepartedLeavesNothingAndFreesItsPortsAndImage() throws Exception {
    int port = freePort();
    running("a", port);
    assertThatThrownBy(() -> images.remove("tiny.img")).hasMessageContaining("instance 'a'");
    try (InstanceClaim claim = instances.claim("a", "leaves", "ssh://node2")) {
      claim.departed();
    }
    assertThat(instances.list()).isEmpty();
    assertThat(store.instances()).isEmptyDirectory();
    running("b", port);
  }

  @Test
  void anAgentThatStartsSettlesWhatItFinds() throws Exception {
    NewInstance starting = instances.prepare(record("starting", State.STARTING), image);
    NewInstance arriving = instances.prepare(record("arriving", State.ARRIVING), image);
    Instance gone = running("gone");
    Files.writeString(gone.disk(), "somebody's work");
    Files.createDirectory(store.instances().resolve("odd"));

    instances = restarted();

    assertThat(starting.instance().folder()).doesNotExist();
    assertThat(instances.list()).isEmpty();
    assertThat(gone.disk()).hasContent("somebody's work");
    assertThat(InstanceRecord.read(gone.folder()).state()).isEqualTo(State.LOST);
    assertThat(instances.arrivals())
        .extracting(NewInstance::instance)
        .containsExactly(arriving.instance());
    assertThatThrownBy(() -> images.remove("tiny.img"))
        .hasMessageContaining("instance 'arriving'")
        .hasMessageContaining("kept of the lost instance 'gone'");

    instances.arrivals().get(0).commit();
    assertThat(instances.list()).hasSize(1);
    assertThat(instances.removeLost(gone.uuid().toString()).folder()).doesNotExist();
    assertThat(instances.removeLost(gone.uuid().toString())).isNull();
  }

  @Test
  void anInstanceIsMadeAndUnmadeInOneStep() throws Exception {
    Instance one = running("one");
    assertThat(folder.resolve("nephele/tmp")).isEmptyDirectory();
    // As a kill -9 leaves them: half made, and half removed.
    Path half = store.work("instance").folder(UUID.randomUUID().toString());
    Files.writeString(half.resolve("instance.json.tmp"), "{");
    Files.writeString(one.disk(), "overlay");
    Files.delete(store.discard(one.folder()).file(one.uuid() + "/instance.json"));

    instances = restarted();

    assertThat(instances.list()).isEmpty();
    assertThat(instances.lost()).isEmpty();
    assertThat(store.instances()).isEmptyDirectory();
    assertThat(folder.resolve("nephele/tmp")).isEmptyDirectory();
  }

  @Test
  void lostInstancesAreListedUntilTheyAreRemoved() throws Exception {
    Instance gone = running("gone");
    instances = restarted();
    assertThat(instances.lost()).extracting(Instance::uuid).containsExactly(gone.uuid());
    Api.Instances ps = new ListInstances(instances, hypervisor, "node1").list();
    assertThat(ps.instances()).isEmpty();
    assertThat(ps.lost())
        .containsExactly(
            new Api.LostInstance("gone", gone.uuid().toString(), gone.disk().toString()));
    instances.removeLost(gone.uuid().toString());
    assertThat(instances.lost()).isEmpty();
  }

  private static int freePort() throws Exception {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      return socket.getLocalPort();
    }
  }
}
