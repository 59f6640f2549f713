package org.nephele.server.image;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.libvirt.DomainXml;
import org.nephele.server.libvirt.Hypervisor;
import org.nephele.server.libvirt.VmEvent;
import org.nephele.server.operation.Work;

/** The builds whose VMs are running on this node. Thread-safe. */
public final class Builds {
  private final Hypervisor hypervisor;
  private final List<Build> builds = new ArrayList<>();
  private boolean closed;

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
      if (closed) {
        throw new NepheleException(ErrorKind.FAILED, "The agent is being stopped.");
      }
      builds.add(build);
    }
    return build;
  }

  void end(Build build) {
    synchronized (builds) {
      builds.remove(build);
      builds.notifyAll();
    }
  }

  /**
   * Destroys the VMs of all builds, because the agent stops, and lets no other begin. Returns when
   * their operations have seen it, or after the time: what they leave then is removed when the
   * agent starts next.
   */
  public void endAll(Duration most) {
    List<Build> all;
    synchronized (builds) {
      closed = true;
      all = List.copyOf(builds);
    }
    all.forEach(Build::end);
    long end = System.nanoTime() + most.toNanos();
    synchronized (builds) {
      try {
        for (long left = most.toMillis();
            left > 0 && !builds.isEmpty();
            left = (end - System.nanoTime()) / 1_000_000) {
          builds.wait(left);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
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
