package org.nephele.server.handoff;

import java.io.IOException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BinaryOperator;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.nephele.core.handoff.DestinationEvent;
import org.nephele.core.handoff.Journal;
import org.nephele.core.handoff.PeerMessage;
import org.nephele.core.handoff.Plan;
import org.nephele.core.handoff.Source;
import org.nephele.core.handoff.SourceAction;
import org.nephele.core.handoff.Step;
import org.nephele.core.mux.Hello;
import org.nephele.core.mux.MuxSession;
import org.nephele.core.mux.MuxStream;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.nephele.core.ssh.Destination;
import org.nephele.server.Settings;
import org.nephele.server.image.Images;
import org.nephele.server.instance.InstanceClaim;
import org.nephele.server.instance.Instances;
import org.nephele.server.instance.NewInstance;
import org.nephele.server.libvirt.Hypervisor;
import org.nephele.server.libvirt.Vm;
import org.nephele.server.operation.Operations;
import org.nephele.server.peer.PeerConnector;
import org.nephele.server.peer.PeerEvents;
import org.nephele.server.peer.PeerListener;
import org.nephele.server.peer.PeerSession;
import org.nephele.server.rpc.UnixListener;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** All handoffs of this node, from here and to here. Thread-safe. */
public final class Handoffs {
  private static final Logger log = LoggerFactory.getLogger(Handoffs.class);

  /** The most instances that may arrive at a time. */
  private static final int MOST_INCOMING = 8;

  private final Context context;
  private final Operations operations;
  private final Acceptance acceptance;
  private final Path instancesFolder;
  private final Hello hello;
  private final Map<String, Incoming> incoming = new ConcurrentHashMap<>();

  /**
   * @param root {@code /var/nephele}
   * @param node this node's name for itself
   * @param version of this agent
   */
  public Handoffs(
      Settings settings,
      Hypervisor hypervisor,
      Images images,
      Instances instances,
      Operations operations,
      Path root,
      String node,
      String version)
      throws IOException {
    this.hello = new Hello(MuxSession.PROTOCOL, "nephele-server", version, node, List.of());
    this.instancesFolder = root.resolve("instances");
    this.operations = operations;
    this.context =
        new Context(
            settings,
            hypervisor,
            images,
            instances,
            new Journals(root.resolve("handoffs")),
            new PeerConnector(settings.nodeKey(), hello),
            node);
    this.acceptance = new Acceptance(context, instancesFolder);
  }

  /**
   * Starts a handoff from here.
   *
   * @throws NepheleException NOT_FOUND or REFUSED when the title is unknown or ambiguous, BUSY when
   *     somebody works on the instance, USAGE when the destination is no name of a node
   */
  public Api.HandoffStarted start(Api.Handoff handoff) throws NepheleException {
    Destination destination = Destination.parse(handoff.destination());
    String typed = handoff.destination().replaceFirst("^ssh://", "");
    String url = "ssh://" + typed;
    refuseOurselves(destination);
    InstanceClaim claim =
        context.instances().claim(handoff.instance(), "is being handed off to " + typed, url);
    String title = claim.instance().record().title();
    try {
      String operation =
          operations.start(
              Api.HANDOFF,
              title + " to " + typed,
              new HandOff(context, claim, destination, typed)::run);
      return new Api.HandoffStarted(operation, title, claim.instance().uuid().toString(), url);
    } catch (NepheleException | RuntimeException e) {
      claim.close();
      throw e;
    }
  }

  /** Before anything starts, and without a key for ourselves. A name that we don't know may be. */
  private void refuseOurselves(Destination destination) throws NepheleException {
    boolean here = destination.host().equals(context.node());
    try {
      here |= NetworkInterface.getByInetAddress(InetAddress.getByName(destination.host())) != null;
    } catch (IOException e) {
      log.debug("{} may be an alias: {}", destination.host(), e.toString());
    }
    if (here && destination.port().isEmpty()) {
      throw new NepheleException(
          ErrorKind.REFUSED,
          destination.host()
              + " is this node ("
              + context.node()
              + "): a handoff goes to another one. Nothing was done.");
    }
  }

  /** Serves other agents on {@code peer.sock}. */
  public UnixListener.Handler peers() {
    return new PeerListener(hello, Conversation::new);
  }

  /**
   * Goes on where an earlier agent of this node stopped. Once, after the instances were recovered,
   * before anybody is served.
   */
  public void recover() throws IOException {
    SocketFolder.sweep();
    Map<UUID, NewInstance> arrivals =
        context.instances().arrivals().stream()
            .collect(Collectors.toMap(each -> each.instance().uuid(), Function.identity()));
    for (Journal.DestinationEntry entry : latest(context.journals().destinations())) {
      NewInstance instance = arrivals.remove(UUID.fromString(entry.plan().uuid()));
      if (entry.phase() == Journal.DestinationPhase.TAKEN && instance == null) {
        continue; // long an instance, or gone again; kept to answer a source that asks
      }
      String id = entry.plan().id();
      log.info("A handoff to here is {}: {}", entry.phase(), entry.plan().uuid());
      incoming.put(id, Incoming.recover(context, entry, instance, () -> incoming.remove(id)));
    }
    for (NewInstance instance : arrivals.values()) {
      log.warn("{} was never prepared in full: it is removed", instance.instance().uuid());
      instance.close();
    }
    for (Journal.SourceEntry entry : context.journals().sources()) {
      recoverSource(entry);
    }
  }

  /** An instance may come, go and come again: the last time is the one that may not be finished. */
  private static Collection<Journal.DestinationEntry> latest(
      List<Journal.DestinationEntry> entries) {
    return entries.stream()
        .collect(
            Collectors.toMap(
                entry -> entry.plan().uuid(),
                Function.identity(),
                BinaryOperator.maxBy(Comparator.comparing(entry -> Instant.parse(entry.at())))))
        .values();
  }

  private void recoverSource(Journal.SourceEntry entry) {
    UUID uuid = UUID.fromString(entry.plan().uuid());
    log.info("A handoff from here to {} is {}: {}", entry.destination(), entry.phase(), uuid);
    Thread thread =
        new Thread(
            () -> {
              try {
                Optional<Vm> vm = context.hypervisor().find(uuid);
                Optional<InstanceClaim> claim = claim(entry);
                Step<Source, SourceAction> first = Source.recover(entry.phase(), vm.isPresent());
                Outgoing outgoing =
                    new Outgoing(
                        context,
                        entry.plan(),
                        entry.destination(),
                        vm.orElse(null),
                        claim,
                        instancesFolder.resolve(uuid.toString()),
                        first.next());
                outgoing.begin(first);
                outgoing.run();
              } catch (NepheleException | RuntimeException e) {
                log.error("The handoff of {} to {} can't be settled", uuid, entry.destination(), e);
              }
            },
            "recover " + uuid);
    thread.setDaemon(true);
    thread.start();
  }

  private Optional<InstanceClaim> claim(Journal.SourceEntry entry) {
    try {
      return Optional.of(
          context
              .instances()
              .claim(
                  entry.plan().uuid(),
                  "was being handed off to " + entry.destination() + ", which is being settled",
                  "ssh://" + entry.destination()));
    } catch (NepheleException e) {
      log.info("Nothing to be claimed: {}", e.getMessage());
      return Optional.empty();
    }
  }

  /** One session with another agent: it sends one instance, or says what became of one. */
  private final class Conversation implements PeerEvents {
    private final PeerSession session;
    private volatile Incoming mine;

    Conversation(PeerSession session) {
      this.session = session;
    }

    @Override
    public void message(PeerMessage message) {
      if (message instanceof PeerMessage.Prepare prepare) {
        Thread thread = new Thread(() -> prepare(prepare), "prepare " + prepare.id());
        thread.setDaemon(true);
        thread.start();
      } else if (message instanceof PeerMessage.Commit) {
        word(message, new DestinationEvent.Commit());
      } else if (message instanceof PeerMessage.Abort abort) {
        word(message, new DestinationEvent.Abort(abort.reason()));
      } else {
        log.error("{} is nothing that a source says", message);
      }
    }

    private void word(PeerMessage message, DestinationEvent event) {
      Incoming about = incoming.get(message.id());
      if (about != null) {
        about.heardOn(session);
        mine = about;
        about.post(event);
        return;
      }
      Thread thread = new Thread(() -> answerFor(message), "answer " + message.id());
      thread.setDaemon(true);
      thread.start();
    }

    /** About a handoff that has ended here, or never was. */
    private void answerFor(PeerMessage message) {
      try {
        boolean taken =
            context.journals().destinations().stream()
                .anyMatch(
                    entry ->
                        entry.plan().id().equals(message.id())
                            && entry.phase() == Journal.DestinationPhase.TAKEN);
        if (taken) {
          reply(new PeerMessage.Taken(message.id(), null, null));
        } else if (message instanceof PeerMessage.Abort) {
          reply(new PeerMessage.Destroyed(message.id()));
        } else {
          reply(
              new PeerMessage.Failed(
                  message.id(), context.node() + " knows nothing of this handoff."));
        }
      } catch (IOException e) {
        log.error("The journals can't be read", e);
      }
    }

    private void prepare(PeerMessage.Prepare prepare) {
      Plan plan = prepare.plan();
      try {
        if (plan == null || !prepare.id().equals(plan.id()) || mine != null) {
          throw new IOException("the plan does not belong to this handoff");
        }
        if (incoming.size() >= MOST_INCOMING) {
          throw new IOException("too many instances are arriving");
        }
        Acceptance.Accepted accepted = acceptance.check(plan);
        NewInstance instance = context.instances().prepare(accepted.record(), accepted.image());
        Incoming arriving =
            new Incoming(
                context,
                plan,
                instance,
                new org.nephele.core.handoff.Destination.Preparing(),
                () -> incoming.remove(plan.id()));
        if (incoming.putIfAbsent(plan.id(), arriving) != null) {
          instance.close();
          throw new IOException("there is such a handoff already");
        }
        mine = arriving;
        arriving.prepare(session);
      } catch (NepheleException e) {
        log.info("An instance was refused: {}", e.getMessage());
        reply(new PeerMessage.Refused(prepare.id(), e.kind().rpcCode(), e.getMessage()));
      } catch (IOException | RuntimeException e) {
        log.error("An instance can't be prepared for", e);
        reply(
            new PeerMessage.Refused(
                prepare.id(),
                ErrorKind.FAILED.rpcCode(),
                context.node() + " can't prepare for the instance: " + e.getMessage() + "."));
      }
    }

    private void reply(PeerMessage message) {
      try {
        session.send(message);
      } catch (IOException e) {
        log.info("{} could not be sent: {}", message, e.getMessage());
      }
    }

    @Override
    public void opened(MuxStream stream) throws IOException {
      Incoming to = mine;
      if (to == null) {
        throw new IOException("no handoff was prepared over this connection");
      }
      to.opened(stream);
    }

    @Override
    public void lost(String reason) {
      Incoming to = mine;
      if (to != null) {
        to.lost(session, reason);
      }
    }
  }
}
