package org.nephele.server;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.handoff.Handoffs;
import org.nephele.server.image.BuildImage;
import org.nephele.server.image.Builds;
import org.nephele.server.image.ExportImage;
import org.nephele.server.image.Image;
import org.nephele.server.image.Images;
import org.nephele.server.image.ImportImage;
import org.nephele.server.instance.Instances;
import org.nephele.server.instance.ListInstances;
import org.nephele.server.instance.Ports;
import org.nephele.server.instance.RunInstance;
import org.nephele.server.instance.VmControl;
import org.nephele.server.libvirt.Hypervisor;
import org.nephele.server.operation.Operations;
import org.nephele.server.rpc.RpcServer;
import org.nephele.server.rpc.UnixListener;
import org.nephele.server.snapshot.BuildSnapshot;
import org.nephele.server.snapshot.Snapshots;
import org.nephele.server.store.Store;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The agent, put together: every call of the protocol meets the class that does it here. */
final class Agent implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Agent.class);
  private static final int MOST_CLIENTS = 64;
  private static final int MOST_PEERS = 16;

  /** How long a stop waits for builds to end and remove what they made. */
  private static final Duration BUILDS_END = Duration.ofSeconds(20);

  private final Hypervisor hypervisor;
  private final Builds builds;
  private final UnixListener clients;
  private final UnixListener peers;

  private Agent(Hypervisor hypervisor, Builds builds, UnixListener clients, UnixListener peers) {
    this.hypervisor = hypervisor;
    this.builds = builds;
    this.clients = clients;
    this.peers = peers;
  }

  /**
   * Cleans up after an agent that died, and starts serving.
   *
   * @param data {@code /var/nephele}
   * @param sockets {@code /run/nephele}
   */
  static Agent start(Settings settings, Path data, Path sockets, Path template)
      throws NepheleException, IOException {
    String node = Files.readString(Path.of("/proc/sys/kernel/hostname")).trim();
    Store store = Store.open(data);
    Hypervisor hypervisor = Hypervisor.open(settings);

    Operations operations = new Operations();
    Images images = new Images(store, node);
    Snapshots snapshots = new Snapshots(store, node);
    Builds builds = new Builds(hypervisor);
    Ports ports = new Ports(settings.forwardAddress(), node, Ports.lowest());
    Instances instances = new Instances(store, images, ports, hypervisor, node);
    instances.recover();

    BuildImage buildImage = new BuildImage(store, images, builds, hypervisor, operations, template);
    ExportImage exportImage = new ExportImage(store, images, operations);
    ImportImage importImage = new ImportImage(store, images, operations);
    BuildSnapshot buildSnapshot =
        new BuildSnapshot(store, images, snapshots, builds, hypervisor, operations);
    RunInstance run = new RunInstance(images, snapshots, instances, hypervisor, operations, node);
    ListInstances ps = new ListInstances(instances, hypervisor, node);
    Handoffs handoffs =
        new Handoffs(
            settings, hypervisor, images, instances, operations, data, node, Version.text());
    handoffs.recover();
    VmControl control = new VmControl(instances, builds, hypervisor, operations, node);

    RpcServer rpc =
        new RpcServer(
                new Api.Welcome("nephele-server", Version.text(), Api.VERSION, node, List.of()))
            .on(Api.IMAGE_BUILD, Api.ImageBuild.class, (p, n) -> started(buildImage.start(p)))
            .on(Api.IMAGE_EXPORT, Api.ImageExport.class, (p, n) -> started(exportImage.start(p)))
            .on(Api.IMAGE_IMPORT, Api.Path.class, (p, n) -> started(importImage.start(p)))
            .on(
                Api.IMAGE_LIST,
                RpcServer.None.class,
                (p, n) -> new Api.Images(images.list().stream().map(Image::toApi).toList()))
            .on(Api.IMAGE_REMOVE, Api.ImageRef.class, (p, n) -> images.remove(p.image()).toApi())
            .on(
                Api.SNAPSHOT_BUILD,
                Api.SnapshotBuild.class,
                (p, n) -> started(buildSnapshot.start(p)))
            .on(
                Api.SNAPSHOT_LIST,
                RpcServer.None.class,
                (p, n) -> new Api.Snapshots(snapshots.list()))
            .on(Api.RUN, Api.Run.class, (p, n) -> started(run.start(p)))
            .on(Api.HANDOFF, Api.Handoff.class, (p, n) -> handoffs.start(p))
            .on(Api.PS, RpcServer.None.class, (p, n) -> ps.list())
            .on(Api.PAUSE, Api.Vm.class, (p, n) -> control.pause(p))
            .on(Api.FREEZE, Api.Vm.class, (p, n) -> control.freeze(p))
            .on(Api.THAW, Api.Vm.class, (p, n) -> control.thaw(p))
            .on(Api.STOP, Api.Stop.class, (p, n) -> started(control.stop(p)))
            .on(
                Api.OPERATION_LIST,
                RpcServer.None.class,
                (p, n) -> new Api.Operations(operations.list()))
            .on(
                Api.OPERATION_WATCH,
                Api.OperationRef.class,
                (p, n) ->
                    operations.watch(p.operation(), operation -> n.send(Api.PROGRESS, operation)))
            .on(
                Api.OPERATION_CANCEL,
                Api.OperationRef.class,
                (p, n) -> operations.cancel(p.operation()));
    UnixListener peers =
        UnixListener.open(sockets.resolve("peer.sock"), MOST_PEERS, handoffs.peers());
    UnixListener clients =
        UnixListener.open(sockets.resolve("agent.sock"), MOST_CLIENTS, rpc::serve);
    log.info("nephele-server {} serves {}", Version.text(), node);
    return new Agent(hypervisor, builds, clients, peers);
  }

  private static Api.Started started(String operation) {
    return new Api.Started(operation);
  }

  /** Builds end; instances go on, and a later agent finds them. */
  @Override
  public void close() {
    for (UnixListener listener : List.of(clients, peers)) {
      try {
        listener.close();
      } catch (IOException e) {
        log.warn("A socket was not closed: {}", e.toString());
      }
    }
    builds.endAll(BUILDS_END);
    hypervisor.close();
    log.info("nephele-server has stopped");
  }
}
