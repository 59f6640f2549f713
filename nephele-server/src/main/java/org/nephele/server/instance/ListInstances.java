package org.nephele.server.instance;

import java.util.ArrayList;
import java.util.List;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.libvirt.Hypervisor;
import org.nephele.server.libvirt.Vm;
import org.nephele.server.libvirt.VmState;

/**
 * {@code ps}: the instances whose domains are there now, by libvirt's word, and the lost ones.
 * Thread-safe.
 */
public final class ListInstances {
  private final Instances instances;
  private final Hypervisor hypervisor;
  private final String node;

  /**
   * @param node this node's name, for people
   */
  public ListInstances(Instances instances, Hypervisor hypervisor, String node) {
    this.instances = instances;
    this.hypervisor = hypervisor;
    this.node = node;
  }

  public Api.Instances list() throws NepheleException {
    List<Api.Instance> list = new ArrayList<>();
    for (Instance instance : instances.list()) {
      var vm = hypervisor.find(instance.uuid());
      if (vm.isPresent()) {
        try {
          add(list, instance, vm.get());
        } catch (NepheleException e) {
          // It ended between two questions: then it isn't there.
          if (e.kind() != ErrorKind.NOT_FOUND) {
            throw e;
          }
        }
      }
    }
    return new Api.Instances(list, instances.lost().stream().map(ListInstances::lost).toList());
  }

  private static Api.LostInstance lost(Instance instance) {
    return new Api.LostInstance(
        instance.record().title(), instance.uuid().toString(), instance.disk().toString());
  }

  private void add(List<Api.Instance> list, Instance instance, Vm vm) throws NepheleException {
    VmState state = vm.state();
    if (!state.alive()) {
      return;
    }
    InstanceClaim claim = instances.claimOn(instance.uuid());
    String url = claim == null ? null : claim.handoffUrl();
    InstanceRecord record = instance.record();
    list.add(
        new Api.Instance(
            vm.pid(),
            record.title(),
            record.ports(),
            record.uuid().toString(),
            record.snapshot(),
            node,
            record.started(),
            url != null ? "handoff" : state.run() == VmState.Run.PAUSED ? "paused" : "running",
            url,
            null));
  }
}
