package org.nephele.server.image;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.image.ConsoleWatch.TooCostlyException;
import org.nephele.server.libvirt.Hypervisor;
import org.nephele.server.libvirt.Vm;
import org.nephele.server.libvirt.VmEvent;
import org.nephele.server.libvirt.VmState;
import org.nephele.server.operation.Work;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A VM that a person prepares, and that ends by being paused: in virt-manager, by virsh, by us. A
 * freeze is no such pause. Closing it destroys the VM, if it is still there. Thread-safe.
 *
 * <pre>
 *             Suspended(user), pause()
 *   RUNNING ---------------------------&gt; PAUSED --&gt; captured, destroyed
 *    |   ^ \                              |
 *    |   |  +--- Resumed &lt;----------------+  somebody changed their mind
 *    |   thaw
 *    |   |            Stopped
 *    +-&gt; FROZEN      ---------&gt; ENDED: the build fails
 *   freeze()
 * </pre>
 */
public final class Build implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Build.class);

  private final Builds builds;
  private final Hypervisor hypervisor;
  private final Work work;
  private final UUID uuid;
  private final String title;
  private final String what;
  private boolean begun;
  private boolean paused;
  private boolean frozen;

  /** Its disk can't be written; somebody has to make room and let it go on. */
  private boolean stuck;

  private VmEvent.StopReason ended;

  Build(Builds builds, Hypervisor hypervisor, Work work, UUID uuid, String title, String what) {
    this.builds = builds;
    this.hypervisor = hypervisor;
    this.work = work;
    this.uuid = uuid;
    this.title = title;
    this.what = what;
  }

  public UUID uuid() {
    return uuid;
  }

  public String title() {
    return title;
  }

  /** For people: {@code the image tiny.img}. */
  public String what() {
    return what;
  }

  /** Does what pressing pause in virt-manager does: ends the build. */
  public void pause() throws NepheleException {
    Vm vm = vm();
    synchronized (this) {
      if (stuck) {
        throw new NepheleException(ErrorKind.REFUSED, stuckMessage());
      }
      frozen = false;
    }
    vm.suspend();
    if (vm.state().pausedByUser()) {
      // A frozen VM is suspended already, and there is no event.
      paused(true);
    }
  }

  /** Stops the CPUs without ending the build. */
  public void freeze() throws NepheleException {
    Vm vm = vm();
    synchronized (this) {
      if (paused) {
        throw new NepheleException(
            ErrorKind.BUSY, "The VM '" + title + "' is paused, and " + what + " is being made.");
      }
      frozen = true;
    }
    vm.suspend();
  }

  /** Lets the CPUs go on. */
  public void thaw() throws NepheleException {
    Vm vm = vm();
    vm.resume();
    synchronized (this) {
      frozen = false;
    }
    work.wake();
  }

  private Vm vm() throws NepheleException {
    Optional<Vm> vm = hypervisor.find(uuid);
    return vm.orElseThrow(
        () ->
            new NepheleException(
                ErrorKind.NOT_FOUND, "The VM '" + title + "' is not running (any more)."));
  }

  void happened(VmEvent event) {
    try {
      if (event instanceof VmEvent.Stopped stopped) {
        ended(stopped.reason());
      } else if (event instanceof VmEvent.Suspended suspended) {
        // An event may come late: what counts is what is.
        if (suspended.reason() != VmState.Reason.USER
            || (hypervisor.find(uuid).isPresent() && vm().state().pausedByUser())) {
          suspended(suspended.reason());
        }
      } else if (event instanceof VmEvent.Resumed) {
        if (hypervisor.find(uuid).isPresent() && vm().state().run() == VmState.Run.RUNNING) {
          paused(false);
        }
      } else if (event instanceof VmEvent.Reconnected) {
        if (hypervisor.find(uuid).isEmpty()) {
          ended(VmEvent.StopReason.UNKNOWN);
        } else if (vm().state().pausedByUser()) {
          suspended(VmState.Reason.USER);
        }
      }
    } catch (NepheleException e) {
      log.warn("{} may have been missed: {}", event, e.getMessage());
    }
  }

  private synchronized void ended(VmEvent.StopReason reason) {
    ended = reason;
    work.wake();
  }

  private synchronized void paused(boolean is) {
    paused = is;
    if (!is) {
      frozen = false;
      if (stuck) {
        stuck = false;
        work.phase("waiting", waitingMessage());
      }
    }
    work.wake();
  }

  private void suspended(VmState.Reason reason) {
    if (reason == VmState.Reason.USER) {
      synchronized (this) {
        if (frozen || !begun) {
          return;
        }
      }
      paused(true);
    } else if (reason == VmState.Reason.IOERROR) {
      synchronized (this) {
        stuck = true;
      }
      work.phase("stopped", stuckMessage());
    }
  }

  private String stuckMessage() {
    return "The VM '"
        + title
        + "' was stopped because its disk can't be written: the node's disk may be full. Make room,"
        + " and let it go on with 'thaw' or in virt-manager.";
  }

  private String waitingMessage() {
    return "The VM '"
        + title
        + "' is running. Make it what it should be, then pause it: in virt-manager, with 'virsh"
        + " suspend nephele-"
        + uuid
        + "' on the node, or with 'pause'.";
  }

  private synchronized boolean isHeld() {
    return frozen || stuck;
  }

  private synchronized boolean over() {
    return paused || ended != null;
  }

  /** Says what is wrong with a state that was taken out, while the VM is still there. */
  @FunctionalInterface
  public interface Check {
    /**
     * @throws NepheleException REFUSED; who prepares the VM may mend it and pause it again
     */
    void accept(Captured captured) throws NepheleException, IOException;
  }

  /**
   * Waits until somebody, or the rule, has paused the VM, takes its state out, and destroys it.
   *
   * @param vm was let run just now
   * @param started {@link System#nanoTime} when it began to run
   * @param folder where the files go
   * @throws NepheleException FAILED when the VM ended instead; CANCELLED
   */
  public Captured capture(
      Vm vm, PauseRule rule, Path console, long started, Path folder, Check check)
      throws NepheleException, IOException {
    begin(vm);
    work.phase("waiting", waitingMessage());
    while (true) {
      awaitPause(rule, console, started);
      work.phase("capturing");
      try {
        Captured captured = new StateCapture(work, hypervisor, vm).take(folder);
        check.accept(captured);
        vm.destroy();
        return captured;
      } catch (NepheleException e) {
        if (e.kind() != ErrorKind.REFUSED || !mayGoOn(vm, rule)) {
          throw e;
        }
        paused(false);
        work.phase("waiting", e.getMessage());
      }
    }
  }

  /** Somebody let it run, or can do so: only a rule would pause it again just as it is. */
  private static boolean mayGoOn(Vm vm, PauseRule rule) throws NepheleException {
    VmState state = vm.state();
    return state.run() == VmState.Run.RUNNING
        || (rule.byHandOnly() && state.run() == VmState.Run.PAUSED);
  }

  /** From now on a pause means something: the one that a VM is restored in does not. */
  private void begin(Vm vm) throws NepheleException {
    synchronized (this) {
      begun = true;
    }
    if (vm.state().pausedByUser()) {
      suspended(VmState.Reason.USER);
    }
  }

  private void awaitPause(PauseRule rule, Path console, long started)
      throws NepheleException, IOException {
    try (ConsoleWatch watch =
        rule.when().isPresent() ? new ConsoleWatch(console, rule.when().get()) : null) {
      while (!over()) {
        if (isHeld()) {
          // Nobody wants a rule to end it now; a thaw wakes us.
          work.await(Duration.ofSeconds(1), () -> over() || !isHeld());
        } else if (due(rule, started) || (watch != null && found(watch, rule.when().get()))) {
          log.info("Pausing '{}' [{}], as it was asked for", title, uuid);
          pause();
        } else {
          // It looks whether somebody cancelled, too.
          work.await(
              watch != null && watch.more() ? Duration.ZERO : patience(rule, watch, started),
              this::over);
        }
      }
    }
    synchronized (this) {
      if (ended != null) {
        throw new NepheleException(
            ErrorKind.FAILED,
            "The VM '"
                + title
                + "' "
                + howItEnded()
                + " before it was paused, so there is nothing to make "
                + what
                + " of. Everything of it was removed.");
      }
    }
  }

  private static boolean due(PauseRule rule, long started) {
    return rule.afterMs().isPresent()
        && System.nanoTime() - started >= Duration.ofMillis(rule.afterMs().get()).toNanos();
  }

  private static Duration patience(PauseRule rule, ConsoleWatch watch, long started) {
    Duration most = watch == null ? Duration.ofHours(1) : Duration.ofMillis(100);
    if (rule.afterMs().isEmpty()) {
      return most;
    }
    Duration left = Duration.ofMillis(rule.afterMs().get()).minusNanos(System.nanoTime() - started);
    return left.compareTo(most) < 0 ? left : most;
  }

  private boolean found(ConsoleWatch watch, Pattern pattern) throws IOException, NepheleException {
    try {
      return watch.found();
    } catch (TooCostlyException e) {
      throw new NepheleException(
          ErrorKind.USAGE,
          "The expression '"
              + pattern
              + "' takes too long on a line of the console; "
              + what
              + " was not made. Write it without nested repetitions.",
          e);
    }
  }

  private String howItEnded() {
    return switch (ended) {
      case SHUTDOWN -> "was powered off";
      case DESTROYED -> "was destroyed";
      case CRASHED -> "crashed";
      case FAILED -> "ended because QEMU died";
      case MIGRATED, SAVED -> "was taken away";
      case UNKNOWN -> "ended";
    };
  }

  /** Destroys the VM; whoever waits for its pause learns that it ended. */
  void end() {
    destroy();
    ended(VmEvent.StopReason.DESTROYED);
  }

  @Override
  public void close() {
    destroy();
    builds.end(this);
  }

  private void destroy() {
    try {
      Optional<Vm> vm = hypervisor.find(uuid);
      if (vm.isPresent()) {
        vm.get().destroy();
      }
    } catch (NepheleException e) {
      log.error("The VM '{}' [{}] of a build may be left: {}", title, uuid, e.getMessage());
    }
  }
}
