package org.nephele.server.instance;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import org.nephele.core.io.DurableFiles;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.image.Image;
import org.nephele.server.image.Images;
import org.nephele.server.instance.InstanceRecord.State;
import org.nephele.server.libvirt.Hypervisor;
import org.nephele.server.libvirt.Vm;
import org.nephele.server.libvirt.VmEvent;
import org.nephele.server.store.Store;
import org.nephele.server.store.WorkFolder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The instances of this node: which there are, who works on one, which ports they have.
 * Thread-safe.
 */
public final class Instances {
  private static final Logger log = LoggerFactory.getLogger(Instances.class);

  private final Store store;
  private final Images images;
  private final Ports ports;
  private final Hypervisor hypervisor;
  private final String node;
  private final Map<UUID, Entry> entries = new LinkedHashMap<>();
  private boolean listening;

  private static final class Entry {
    final Path folder;
    volatile InstanceRecord record;
    Ports.Lease ports;
    Images.Hold image;
    InstanceClaim claim;

    /** Set when the domain ended while somebody had a claim. */
    VmEvent.StopReason ended;

    Entry(Path folder, InstanceRecord record) {
      this.folder = folder;
      this.record = record;
    }

    Instance view() {
      return new Instance(folder, record);
    }

    /** Who needs the image, for the sentence that says why it can't be removed. */
    String needer() {
      return record.state() == State.LOST
          ? "the disk that was kept of the lost " + who(record)
          : who(record);
    }

    boolean visible() {
      return record.state() == State.RUNNING;
    }
  }

  /**
   * @param node this node's name, for messages
   */
  public Instances(Store store, Images images, Ports ports, Hypervisor hypervisor, String node) {
    this.store = store;
    this.images = images;
    this.ports = ports;
    this.hypervisor = hypervisor;
    this.node = node;
  }

  /**
   * Reads what an earlier agent left, once, before anything else: domains that run on are taken
   * over, half-made ones and builds without an operation are removed, instances whose domain is
   * gone are marked lost. Listens to libvirt from then on.
   *
   * @throws NepheleException when libvirt can't be asked; nothing was changed then
   */
  public synchronized void recover() throws NepheleException, IOException {
    if (!listening) {
      // Before anything is looked at; what happens meanwhile waits for this lock.
      listening = true;
      hypervisor.listen(this::happened);
    }
    List<Vm> vms = hypervisor.list();
    Recovery.destroyUnfinishedBuilds(vms);
    Map<UUID, Vm> alive = vms.stream().collect(Collectors.toMap(Vm::uuid, vm -> vm));
    try (var folders = Files.newDirectoryStream(store.instances())) {
      for (Path folder : folders) {
        try {
          recover(folder, InstanceRecord.read(folder), alive);
        } catch (IOException e) {
          log.warn("{} is no instance's folder that can be used; it is kept", folder, e);
        }
      }
    }
    store.sweep();
  }

  private void recover(Path folder, InstanceRecord record, Map<UUID, Vm> alive)
      throws IOException, NepheleException {
    Vm vm = alive.get(record.uuid());
    Entry entry = new Entry(folder, record);
    switch (record.state()) {
      case STARTING -> {
        log.warn("Instance {} was never started in full: it is removed", record.label());
        if (vm != null) {
          vm.destroy();
        }
        store.discard(folder);
        return;
      }
      case ARRIVING, RUNNING -> entry.ports = ports.take(record.ports(), who(record));
      case LOST -> log.warn("Instance {} is lost; its disk is kept in {}", record.label(), folder);
    }
    var image = images.findByContent(record.imageContent());
    if (image.isPresent()) {
      entry.image = images.use(image.get(), entry::needer);
    } else {
      log.error("The image {} of instance {} is gone", record.imageName(), record.label());
    }
    entries.put(record.uuid(), entry);
    if (record.state() == State.RUNNING && vm == null) {
      lose(entry, "its domain was gone when the agent started");
    }
  }

  private static String who(InstanceRecord record) {
    return "instance '" + record.title() + "' [" + record.uuid() + "]";
  }

  /** Instances that were arriving by a handoff when the agent stopped; the handoff settles them. */
  public synchronized List<NewInstance> arrivals() {
    return entries.values().stream()
        .filter(entry -> entry.record.state() == State.ARRIVING)
        .map(entry -> new NewInstance(this, entry.view()))
        .toList();
  }

  /** All that were made here or arrived, and have not ended. */
  public synchronized List<Instance> list() {
    return entries.values().stream().filter(Entry::visible).map(Entry::view).toList();
  }

  /** Those whose disks were kept when they ended without their user's will. */
  public synchronized List<Instance> lost() {
    return entries.values().stream()
        .filter(entry -> entry.record.state() == State.LOST)
        .map(Entry::view)
        .toList();
  }

  /**
   * Finds an instance for a person.
   *
   * @param titleOrUuid a UUID, or a title that exactly one instance has
   * @throws NepheleException NOT_FOUND; REFUSED when more than one has that title, naming their
   *     UUIDs
   */
  public synchronized Instance find(String titleOrUuid) throws NepheleException {
    return entry(titleOrUuid).view();
  }

  private Entry entry(String titleOrUuid) throws NepheleException {
    List<Entry> found = new ArrayList<>();
    for (Entry entry : entries.values()) {
      if (entry.visible()) {
        if (entry.record.uuid().toString().equalsIgnoreCase(titleOrUuid)) {
          return entry;
        }
        if (entry.record.title().equals(titleOrUuid)) {
          found.add(entry);
        }
      }
    }
    if (found.isEmpty()) {
      throw new NepheleException(
          ErrorKind.NOT_FOUND,
          "There is no instance '" + titleOrUuid + "' on " + node + "; 'ps' shows what there is.");
    }
    if (found.size() > 1) {
      throw new NepheleException(
          ErrorKind.REFUSED,
          found.size()
              + " instances on "
              + node
              + " have the title '"
              + titleOrUuid
              + "': say the UUID, "
              + found.stream()
                  .map(entry -> entry.record.uuid().toString())
                  .collect(Collectors.joining(" or "))
              + ".");
    }
    return found.get(0);
  }

  /**
   * Keeps everybody else from working on an instance, until it is released.
   *
   * @param what for the sentence that others get: {@code is being handed off to node2}
   * @param handoffUrl shown by ps; null when it is no handoff
   * @throws NepheleException NOT_FOUND, REFUSED (ambiguous), or BUSY when somebody has it already
   */
  public synchronized InstanceClaim claim(String titleOrUuid, String what, String handoffUrl)
      throws NepheleException {
    Entry entry = entry(titleOrUuid);
    if (entry.claim != null) {
      throw new NepheleException(
          ErrorKind.BUSY,
          "The instance " + entry.record.label() + " on " + node + " " + entry.claim.what() + ".");
    }
    entry.claim = new InstanceClaim(this, entry.view(), what, handoffUrl);
    return entry.claim;
  }

  /** Why nobody else may work on that instance now; null when they may. */
  synchronized InstanceClaim claimOn(UUID uuid) {
    Entry entry = entries.get(uuid);
    return entry == null ? null : entry.claim;
  }

  void release(InstanceClaim claim) {
    synchronized (this) {
      Entry entry = entries.get(claim.instance().uuid());
      if (entry == null || entry.claim != claim) {
        return;
      }
      entry.claim = null;
    }
    settle(claim.instance().uuid());
  }

  /** libvirt's event of it may still be on its way. */
  synchronized void ended(UUID uuid) {
    Entry entry = entries.get(uuid);
    if (entry != null && entry.ended == null) {
      entry.ended = VmEvent.StopReason.DESTROYED;
    }
  }

  /**
   * The first step of a new instance: its folder, its ports and its hold on the image.
   *
   * @param record STARTING for one that is made here, ARRIVING for one that is handed over to us
   * @throws NepheleException BUSY when a port is taken or the instance is here already
   */
  public NewInstance prepare(InstanceRecord record, Image image)
      throws NepheleException, IOException {
    Path folder = store.instances().resolve(record.uuid().toString());
    Entry entry = new Entry(folder, record);
    synchronized (this) {
      if (entries.containsKey(record.uuid()) || Files.exists(folder)) {
        throw new NepheleException(
            ErrorKind.BUSY,
            "The instance " + record.label() + " is on " + node + " already, or its disk is.");
      }
      entry.ports = ports.reserve(record.ports(), who(record));
      try {
        entry.image = images.use(image, entry::needer);
      } finally {
        if (entry.image == null) {
          entry.ports.close();
        }
      }
      entries.put(record.uuid(), entry);
    }
    NewInstance fresh = new NewInstance(this, entry.view());
    // The folder is there with its record in it, or not at all.
    try (WorkFolder made = store.work("instance")) {
      Path files = made.folder(folder.getFileName().toString());
      Files.setPosixFilePermissions(files, PosixFilePermissions.fromString("rwxr-xr-x"));
      record.write(files);
      DurableFiles.publish(files, folder);
      return fresh;
    } catch (IOException | RuntimeException e) {
      fresh.close();
      throw e;
    }
  }

  /** It runs, and is to be seen. */
  Instance commit(UUID uuid) throws IOException {
    Instance committed;
    synchronized (this) {
      Entry entry = entries.get(uuid);
      boolean arrived = entry.record.state() == State.ARRIVING;
      InstanceRecord record = entry.record.with(State.RUNNING);
      record.write(entry.folder);
      entry.record = record;
      if (entry.ended != null && arrived) {
        lose(entry, "its domain ended while it arrived"); // the source deletes its disk
      }
      committed = entry.view();
    }
    settle(uuid);
    return committed;
  }

  /**
   * Removes what is left of a lost instance, its disk included.
   *
   * @return it, or null when there is no lost instance of that UUID
   */
  Instance removeLost(String uuid) {
    for (Instance lost : lost()) {
      if (lost.uuid().toString().equalsIgnoreCase(uuid)) {
        remove(lost.uuid());
        return lost;
      }
    }
    return null;
  }

  /** An instance of which nobody has a claim, such as a lost one, is known to run elsewhere. */
  public void departed(UUID uuid) {
    remove(uuid);
  }

  /** Removes an instance and its files; nothing happens when it isn't there. */
  void remove(UUID uuid) {
    WorkFolder doomed = null;
    synchronized (this) {
      Entry entry = entries.get(uuid);
      if (entry != null) {
        doomed = takeOut(entry);
      }
    }
    delete(doomed);
  }

  /** The quick part of removing: nobody finds the instance any more. */
  private WorkFolder takeOut(Entry entry) {
    entries.remove(entry.record.uuid());
    if (entry.ports != null) {
      entry.ports.close();
    }
    try {
      return store.discard(entry.folder);
    } catch (IOException e) {
      log.error("The folder {} of an instance that is gone can't be removed", entry.folder, e);
      return null;
    } finally {
      if (entry.image != null) {
        entry.image.close();
      }
    }
  }

  /** The slow part, for overlays are big: never with the lock. */
  private static void delete(WorkFolder doomed) {
    if (doomed != null) {
      doomed.close();
    }
  }

  private void happened(VmEvent event) {
    if (event instanceof VmEvent.Stopped stopped) {
      synchronized (this) {
        Entry entry = entries.get(stopped.uuid());
        if (entry == null || entry.record.state() == State.LOST) {
          return;
        }
        entry.ended = stopped.reason();
      }
      settle(stopped.uuid());
    } else if (event instanceof VmEvent.Reconnected) {
      missed().forEach(this::settle);
    }
  }

  /** Events may have been missed: an instance whose domain is gone is lost. */
  private synchronized List<UUID> missed() {
    Set<UUID> alive = new HashSet<>();
    try {
      hypervisor.list().forEach(vm -> alive.add(vm.uuid()));
    } catch (NepheleException e) {
      log.warn("The instances can't be compared with libvirt's domains: {}", e.getMessage());
      return List.of();
    }
    List<Entry> gone =
        entries.values().stream()
            .filter(entry -> entry.visible() && !alive.contains(entry.record.uuid()))
            .toList();
    gone.forEach(entry -> entry.ended = VmEvent.StopReason.UNKNOWN);
    return gone.stream().map(entry -> entry.record.uuid()).toList();
  }

  /** Deals with the end of an instance's domain, unless somebody has a claim on it. */
  private void settle(UUID uuid) {
    if (!over(uuid)) {
      return;
    }
    // Asks systemd, which may take seconds: not with the lock.
    boolean goingDown = Recovery.nodeIsGoingDown();
    WorkFolder doomed = null;
    synchronized (this) {
      if (over(uuid)) {
        Entry entry = entries.get(uuid);
        switch (entry.ended) {
          case SHUTDOWN, DESTROYED -> {
            if (goingDown) {
              lose(entry, "the node goes down");
            } else {
              log.info("Instance {} has ended: its files are removed", entry.record.label());
              doomed = takeOut(entry);
            }
          }
          case CRASHED, FAILED -> lose(entry, "QEMU died");
          case MIGRATED -> lose(entry, "somebody else than Nephele migrated it");
          case SAVED -> lose(entry, "somebody else than Nephele saved it");
          case UNKNOWN -> lose(entry, "its domain is gone for a reason that is not known");
        }
      }
    }
    delete(doomed);
  }

  private synchronized boolean over(UUID uuid) {
    Entry entry = entries.get(uuid);
    return entry != null && entry.ended != null && entry.claim == null && entry.visible();
  }

  private void lose(Entry entry, String why) {
    log.warn(
        "Instance {} is lost: {}. Its disk is kept in {}, as it may be the only copy of somebody's"
            + " work. 'nephele-client {} stop --force {}' removes it.",
        entry.record.label(),
        why,
        entry.folder,
        node,
        entry.record.uuid());
    entry.record = entry.record.with(State.LOST);
    entry.ports.close();
    try {
      entry.record.write(entry.folder);
    } catch (IOException e) {
      log.error("{} can't be marked lost", entry.folder, e);
    }
  }
}
