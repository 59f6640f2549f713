package org.nephele.server.image;

import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.libvirt.DomainXml;
import org.nephele.server.libvirt.Hypervisor;
import org.nephele.server.libvirt.VmEvent;
import org.nephele.server.operation.Work;

/** The builds whose VMs are running on this node. Thread-safe. */
public final class Builds {
  private final Hypervisor hypervisor;
  private final List<Build> builds = new ArrayList<>();

  /** Listens to libvirt from now on. */
  public Builds(Hypervisor hypervisor) {
    this.hypervisor = hypervisor;
    hypervisor.listen(this::happened);
  }

  /**
   * The VM of this XML is about to be started for a build.
   *
   * @param what for people: {@code the image tiny.img}
   */
  public Build begin(Work work, DomainXml xml, String what) throws NepheleException {
    Build build = new Build(this, hypervisor, work, xml.uuid(), xml.title(), what);
    synchronized (builds) {
      builds.add(build);
    }
    return build;
  }

  void end(Build build) {
    synchronized (builds) {
      builds.remove(build);
    }
  }

  /** Those with that title, or the one with that UUID. */
  public List<Build> find(String titleOrUuid) {
    synchronized (builds) {
      return builds.stream()
          .filter(
              build ->
                  build.title().equals(titleOrUuid)
                      || build.uuid().toString().equalsIgnoreCase(titleOrUuid))
          .toList();
    }
  }

  private void happened(VmEvent event) {
    List<Build> all;
    synchronized (builds) {
      all = List.copyOf(builds);
    }
    UUID uuid = uuid(event);
    for (Build build : all) {
      if (uuid == null || build.uuid().equals(uuid)) {
        build.happened(event);
      }
    }
  }

  /** Null when the event concerns all of them. */
  private static UUID uuid(VmEvent event) {
    if (event instanceof VmEvent.Suspended suspended) {
      return suspended.uuid();
    } else if (event instanceof VmEvent.Resumed resumed) {
      return resumed.uuid();
    } else if (event instanceof VmEvent.Stopped stopped) {
      return stopped.uuid();
    } else if (event instanceof VmEvent.Started started) {
      return started.uuid();
    }
    return null;
  }
}
