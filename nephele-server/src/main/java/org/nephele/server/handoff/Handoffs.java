package org.nephele.server.handoff;

import java.io.IOException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
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

  /** The most messages of one other agent that wait to be worked on. */
  private static final int MOST_WAITING = 4;

  private final Context context;
  private final Operations operations;
  private final Acceptance acceptance;
  private final Path instancesFolder;
  private final Hello hello;
  private final Map<String, Incoming> incoming = new ConcurrentHashMap<>();

  /** Handoffs to here that are being looked at; together with incoming guarded by this. */
  private final Set<String> preparing = new HashSet<>();

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
   * before anybody is served: when it returns, nobody else can get at an instance that is not
   * settled.
   *
   * @throws NepheleException when libvirt can't be asked
   * @throws IOException with a sentence when a journal can't be read
   */
  public void recover() throws NepheleException, IOException {
    List<Journal.SourceEntry> sources = new ArrayList<>(context.journals().sources());
    List<Journal.DestinationEntry> destinations = context.journals().destinations();
    SocketFolder.sweep();
    Map<UUID, NewInstance> arrivals =
        context.instances().arrivals().stream()
            .collect(Collectors.toMap(each -> each.instance().uuid(), Function.identity()));
    for (Journal.DestinationEntry entry : latest(destinations)) {
      NewInstance instance = arrivals.remove(UUID.fromString(entry.plan().uuid()));
      if (entry.phase() == Journal.DestinationPhase.TAKEN && instance == null) {
        continue; // long an instance, or gone again; kept to answer a source that asks
      }
      String id = entry.plan().id();
      log.info("A handoff to here is {}: {}", entry.phase(), entry.plan().uuid());
      incoming.put(id, Incoming.recover(context, entry, instance, () -> incoming.remove(id)));
    }
    for (NewInstance instance : arrivals.values()) {
      if (context.hypervisor().find(instance.instance().uuid()).isPresent()) {
        log.error("{} has a domain and no journal: both are left as they are", instance.instance());
        continue;
      }
      log.warn("{} was never prepared in full: it is removed", instance.instance().uuid());
      instance.close();
    }
    // An instance may have been given to one node after another could not be told that it stays.
    // The decision has the first claim on it; the others are only told.
    sources.sort(Comparator.comparing(entry -> entry.phase() != Journal.SourcePhase.COMMITTED));
    for (Journal.SourceEntry entry : sources) {
      recoverSource(entry);
    }
  }

  /**
   * An instance may come, go and come again. What is READY or PREPARED is the time that is not
   * finished, whatever the clock said; of those that are TAKEN it is the last one.
   */
  static Collection<Journal.DestinationEntry> latest(List<Journal.DestinationEntry> entries) {
    Comparator<Journal.DestinationEntry> unfinished =
        Comparator.comparing(
            entry ->
                List.of(
                        Journal.DestinationPhase.TAKEN,
                        Journal.DestinationPhase.PREPARED,
                        Journal.DestinationPhase.READY)
                    .indexOf(entry.phase()));
    return entries.stream()
        .collect(
            Collectors.toMap(
                entry -> entry.plan().uuid(),
                Function.identity(),
                BinaryOperator.maxBy(unfinished.thenComparing(entry -> Instant.parse(entry.at())))))
        .values();
  }

  private void recoverSource(Journal.SourceEntry entry) throws NepheleException {
    UUID uuid = UUID.fromString(entry.plan().uuid());
    log.info("A handoff from here to {} is {}: {}", entry.destination(), entry.phase(), uuid);
    Optional<InstanceClaim> claim = claim(entry, uuid);
    // Without a claim there may be a domain that is on its way back to here.
    boolean ours = claim.isPresent() || entry.phase() == Journal.SourcePhase.COMMITTED;
    Optional<Vm> vm = ours ? context.hypervisor().find(uuid) : Optional.empty();
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
    Thread thread =
        new Thread(
            () -> {
              outgoing.begin(first);
              outgoing.run();
            },
            "recover " + uuid);
    thread.setDaemon(true);
    thread.start();
  }

  /** Empty when there is no such instance any more, or a later handoff of it has it. */
  private Optional<InstanceClaim> claim(Journal.SourceEntry entry, UUID uuid)
      throws NepheleException {
    if (context.instances().list().stream().noneMatch(each -> each.uuid().equals(uuid))) {
      return Optional.empty();
    }
    try {
      return Optional.of(
          context
              .instances()
              .claim(
                  uuid.toString(),
                  "was being handed off to " + entry.destination() + ", which is being settled",
                  "ssh://" + entry.destination()));
    } catch (NepheleException e) {
      if (e.kind() == ErrorKind.BUSY && entry.phase() != Journal.SourcePhase.COMMITTED) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /** At most so many instances arrive at a time, and each by one handoff. */
  private void reserve(String id) throws IOException {
    synchronized (preparing) {
      if (incoming.size() + preparing.size() >= MOST_INCOMING) {
        throw new IOException("too many instances are arriving");
      }
      if (context.journals().destination(id).isPresent()
          || incoming.containsKey(id)
          || !preparing.add(id)) {
        throw new IOException("there is such a handoff already");
      }
    }
  }

  /** Accepts, and makes the instance's folder; the journal is first, so that it is never orphan. */
  private Incoming place(Plan plan) throws NepheleException, IOException {
    reserve(plan.id());
    try {
      Acceptance.Accepted accepted = acceptance.check(plan);
      context.journals().write(Journal.DestinationPhase.PREPARED, plan);
      NewInstance instance;
      try {
        instance = context.instances().prepare(accepted.record(), accepted.image());
      } catch (NepheleException | IOException | RuntimeException e) {
        context.journals().deleteDestination(plan.id());
        throw e;
      }
      Incoming arriving =
          new Incoming(
              context,
              plan,
              instance,
              new org.nephele.core.handoff.Destination.Preparing(),
              () -> incoming.remove(plan.id()));
      incoming.put(plan.id(), arriving);
      return arriving;
    } finally {
      synchronized (preparing) {
        preparing.remove(plan.id());
      }
    }
  }

  /**
   * One session with another agent: it sends one instance, or says what became of one. What it says
   * is worked on in order, by one thread, so that its end and an ABORT wait for the PREPARE before.
   */
  private final class Conversation implements PeerEvents {
    private final PeerSession session;
    private final InOrder work;
    private boolean asked;
    private volatile Incoming mine;

    Conversation(PeerSession session) {
      this.session = session;
      this.work = new InOrder("conversation with " + session.node(), MOST_WAITING);
    }

    @Override
    public void message(PeerMessage message) {
      if (message instanceof PeerMessage.Prepare prepare && !asked) {
        asked = true;
        work(() -> prepare(prepare));
      } else if (message instanceof PeerMessage.Commit) {
        work(() -> word(message, new DestinationEvent.Commit()));
      } else if (message instanceof PeerMessage.Abort abort) {
        work(() -> word(message, new DestinationEvent.Abort(abort.reason())));
      } else {
        session.close("That is nothing that a source says, or says twice.");
      }
    }

    private void work(Runnable task) {
      if (!work.offer(task)) {
        session.close("Too many messages at once.");
      }
    }

    private void word(PeerMessage message, DestinationEvent event) {
      Incoming about = incoming.get(message.id());
      if (about == null) {
        answerFor(message);
        return;
      }
      about.heardOn(session);
      mine = about;
      about.post(event);
    }

    /** About a handoff that has ended here, or never was. */
    private void answerFor(PeerMessage message) {
      try {
        boolean looking;
        synchronized (preparing) {
          looking = preparing.contains(message.id());
        }
        Optional<Journal.DestinationPhase> phase = context.journals().destination(message.id());
        if (phase.isPresent() && phase.get() == Journal.DestinationPhase.TAKEN) {
          reply(new PeerMessage.Taken(message.id(), null, null));
        } else if (phase.isEmpty() && !looking && message instanceof PeerMessage.Abort) {
          reply(new PeerMessage.Destroyed(message.id()));
        } else {
          reply(
              new PeerMessage.Failed(
                  message.id(), context.node() + " knows nothing of this handoff for now."));
        }
      } catch (IOException e) {
        log.error("The journal of {} can't be read", message.id(), e);
        reply(
            new PeerMessage.Failed(message.id(), "The journal on " + context.node() + " is bad."));
      }
    }

    private void prepare(PeerMessage.Prepare prepare) {
      Plan plan = prepare.plan();
      try {
        if (plan == null || !prepare.id().equals(plan.id())) {
          throw new IOException("the plan does not belong to this handoff");
        }
        mine = place(plan);
        mine.prepare(session);
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
      work.last(
          () -> {
            if (mine != null) {
              mine.lost(session, reason);
            }
          });
    }
  }
}
