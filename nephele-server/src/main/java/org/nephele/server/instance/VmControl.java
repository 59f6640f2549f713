package org.nephele.server.instance;

import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.image.Build;
import org.nephele.server.image.Builds;
import org.nephele.server.libvirt.Hypervisor;
import org.nephele.server.libvirt.Vm;
import org.nephele.server.libvirt.VmState;
import org.nephele.server.operation.Operations;
import org.nephele.server.operation.Work;

/**
 * {@code pause}, {@code freeze}, {@code thaw} and {@code stop}, of instances and of the VMs of
 * builds. Thread-safe.
 */
public final class VmControl {
  private static final Duration GRACE = Duration.ofSeconds(60);

  private final Instances instances;
  private final Builds builds;
  private final Hypervisor hypervisor;
  private final Operations operations;
  private final String node;

  /**
   * @param node this node's name, for messages
   */
  public VmControl(
      Instances instances,
      Builds builds,
      Hypervisor hypervisor,
      Operations operations,
      String node) {
    this.instances = instances;
    this.builds = builds;
    this.hypervisor = hypervisor;
    this.operations = operations;
    this.node = node;
  }

  /** What is done to a VM. */
  @FunctionalInterface
  private interface Action<T> {
    void on(T target) throws NepheleException;
  }

  /** Does what pressing pause in virt-manager does: ends a build; pauses an instance. */
  public Api.Vm pause(Api.Vm request) throws NepheleException {
    return act(request.vm(), Build::pause, Vm::suspend, "is being paused");
  }

  /** Stops the CPUs and nothing else. */
  public Api.Vm freeze(Api.Vm request) throws NepheleException {
    return act(request.vm(), Build::freeze, Vm::suspend, "is being frozen");
  }

  /** The CPUs go on. */
  public Api.Vm thaw(Api.Vm request) throws NepheleException {
    return act(request.vm(), Build::thaw, Vm::resume, "is being thawed");
  }

  private Api.Vm act(String name, Action<Build> onBuild, Action<Vm> onInstance, String what)
      throws NepheleException {
    List<Build> found = buildsCalled(name);
    if (!found.isEmpty()) {
      Build build = found.get(0);
      onBuild.on(build);
      return new Api.Vm(label(build));
    }
    try (InstanceClaim claim = instances.claim(name, what, null)) {
      onInstance.on(vm(claim.instance()));
      return new Api.Vm(claim.instance().record().label());
    }
  }

  private static String label(Build build) {
    return build.title() + " [" + build.uuid() + "]";
  }

  private Vm vm(Instance instance) throws NepheleException {
    return hypervisor
        .find(instance.uuid())
        .orElseThrow(
            () ->
                new NepheleException(
                    ErrorKind.NOT_FOUND,
                    "The instance " + instance.record().label() + " has just ended."));
  }

  /** At most one; a title that more than one VM has is refused. */
  private List<Build> buildsCalled(String name) throws NepheleException {
    List<Build> found = builds.find(name == null ? "" : name);
    long instancesCalled =
        instances.list().stream().filter(each -> each.record().title().equals(name)).count();
    if (found.size() > 1 || (found.size() == 1 && instancesCalled > 0)) {
      throw new NepheleException(
          ErrorKind.REFUSED,
          "More than one VM on "
              + node
              + " has the title '"
              + name
              + "', among them builds: say the UUID, "
              + found.stream()
                  .map(build -> build.uuid().toString())
                  .collect(Collectors.joining(", "))
              + (instancesCalled > 0 ? " or one that 'ps' shows" : "")
              + ".");
    }
    return found;
  }

  /**
   * Ends a VM: presses its power button and waits a minute, or pulls the plug.
   *
   * @return the operation's id; it ends with {@link Api.Vm}
   */
  public String stop(Api.Stop request) throws NepheleException {
    List<Build> found = buildsCalled(request.vm());
    if (!found.isEmpty()) {
      Build build = found.get(0);
      return operations.start(
          Api.STOP,
          build.title(),
          work -> {
            Vm vm =
                hypervisor
                    .find(build.uuid())
                    .orElseThrow(
                        () ->
                            new NepheleException(
                                ErrorKind.NOT_FOUND, "The VM " + label(build) + " is gone."));
            end(work, vm, label(build), request.force());
            return new Api.Vm(label(build));
          });
    }
    if (request.force()) {
      Instance lost = instances.removeLost(request.vm());
      if (lost != null) {
        return operations.start(
            Api.STOP, lost.record().title(), work -> new Api.Vm(lost.record().label()));
      }
    }
    InstanceClaim claim = instances.claim(request.vm(), "is being stopped", null);
    try {
      return operations.start(
          Api.STOP,
          claim.instance().record().title(),
          work -> {
            // Its files are removed when the claim is released.
            try (claim) {
              String label = claim.instance().record().label();
              end(work, vm(claim.instance()), label, request.force());
              claim.domainEnded();
              return new Api.Vm(label);
            }
          });
    } catch (NepheleException | RuntimeException e) {
      claim.close();
      throw e;
    }
  }

  private void end(Work work, Vm vm, String label, boolean force) throws NepheleException {
    if (force) {
      work.phase("destroying");
      vm.destroy();
      return;
    }
    if (vm.state().run() == VmState.Run.PAUSED) {
      throw new NepheleException(
          ErrorKind.REFUSED,
          "The guest of "
              + label
              + " on "
              + node
              + " is paused and can't power itself off: 'thaw' it first, or pull the plug with"
              + " --force.");
    }
    work.phase("shutting down", "The power button of " + label + " was pressed.");
    vm.shutdown();
    if (!work.await(GRACE, () -> gone(vm))) {
      throw new NepheleException(
          ErrorKind.FAILED,
          "The guest of "
              + label
              + " on "
              + node
              + " has not powered off within "
              + GRACE.toSeconds()
              + " s and goes on running: stop it from inside, or pull the plug with --force.");
    }
  }

  private static boolean gone(Vm vm) {
    try {
      return !vm.state().alive();
    } catch (NepheleException e) {
      // libvirt does not answer: not known to be gone.
      return false;
    }
  }
}
