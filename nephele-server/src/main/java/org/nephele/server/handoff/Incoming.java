package org.nephele.server.handoff;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.nephele.core.handoff.Destination;
import org.nephele.core.handoff.DestinationAction;
import org.nephele.core.handoff.DestinationEvent;
import org.nephele.core.handoff.Journal;
import org.nephele.core.handoff.PeerMessage;
import org.nephele.core.handoff.Plan;
import org.nephele.core.handoff.Step;
import org.nephele.core.handoff.StreamDigest;
import org.nephele.core.libvirtrpc.FinishGate;
import org.nephele.core.mux.MuxStream;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.image.Image;
import org.nephele.server.instance.NewInstance;
import org.nephele.server.libvirt.Arrival;
import org.nephele.server.libvirt.Vm;
import org.nephele.server.libvirt.VmState;
import org.nephele.server.operation.Work;
import org.nephele.server.peer.PeerSession;
import org.nephele.server.store.QemuImg;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One instance on its way to this node: carries out what {@link Destination} says. */
final class Incoming extends Driver<Destination, DestinationEvent, DestinationAction> {
  private static final Logger log = LoggerFactory.getLogger(Incoming.class);
  private static final long RETRY_MS = 2000;

  private final Context context;
  private final Plan plan;
  private final Runnable forget;
  private final CompletableFuture<Boolean> mayPass = new CompletableFuture<>();

  /** The connection on which the source was heard last; null after a restart. */
  private volatile PeerSession session;

  private volatile DestinationStreams streams;
  private NewInstance instance;
  private SocketFolder sockets;
  private Arrival arrival;
  private List<StreamDigest> digests = List.of();
  private String broken = "";
  private String problem;
  private Boolean clockSet;

  /**
   * @param instance its folder, ports and image; null when it is an instance already
   * @param forget called when it has ended
   */
  Incoming(Context context, Plan plan, NewInstance instance, Destination state, Runnable forget) {
    super("handoff of " + plan.uuid() + " to here", state);
    this.context = context;
    this.plan = plan;
    this.instance = instance;
    this.forget = forget;
  }

  /** What an agent that starts finds. */
  static Incoming recover(
      Context context, Journal.DestinationEntry entry, NewInstance instance, Runnable forget) {
    Step<Destination, DestinationAction> first = Destination.recover(entry.phase());
    Incoming incoming = new Incoming(context, entry.plan(), instance, first.next(), forget);
    incoming.begin(first);
    incoming.startThread();
    return incoming;
  }

  /** Makes the place and begins; the journal says PREPARED, and the instance has its folder. */
  void prepare(PeerSession session) {
    this.session = session;
    try {
      QemuImg.createOverlay(new Work(), instance.instance().disk(), image().orElseThrow().disk());
      arrival = Acceptance.arrival(context, plan, instance.instance(), image().orElseThrow());
      sockets = SocketFolder.make(plan.id());
      sockets.giveToQemu();
      streams =
          new DestinationStreams(sockets, new Gate(), sockets.rules(arrival), this::callRefused);
      post(new DestinationEvent.Made());
    } catch (IOException | NepheleException | RuntimeException e) {
      log.error("The place for {} can't be made", plan.uuid(), e);
      broken("The instance's place could not be made there: " + e.getMessage());
    }
    startThread();
  }

  private Optional<Image> image() throws IOException {
    return context.images().findByContent(plan.image().content());
  }

  private void callRefused(String why) {
    broken(context.node() + " refused what came from the source. " + why);
  }

  private void broken(String message) {
    broken = message;
    post(new DestinationEvent.Broken(message));
  }

  /** The source speaks over this connection from now on. */
  void heardOn(PeerSession session) {
    this.session = session;
  }

  /** That connection is gone. */
  void lost(PeerSession session, String reason) {
    if (this.session == session) {
      post(new DestinationEvent.SessionLost(reason));
    }
  }

  void opened(MuxStream stream) throws IOException {
    DestinationStreams to = streams;
    if (to == null || !(state() instanceof Destination.Prepared)) {
      throw new IOException("the handoff is not at the point where streams are opened");
    }
    to.opened(stream);
  }

  @Override
  Step<Destination, DestinationAction> step(Destination state, DestinationEvent event) {
    return state.on(event);
  }

  @Override
  boolean ended(Destination state) {
    return state.ended();
  }

  @Override
  void illegal(DestinationEvent event) {
    send(new PeerMessage.Failed(plan.id(), "This can't be now: " + event + " in " + state() + "."));
  }

  @Override
  void carryOut(DestinationAction action) {
    switch (action) {
      case SEND_PREPARED -> sendPrepared();
      case VERIFY -> verify();
      case WRITE_READY -> write(Journal.DestinationPhase.READY);
      case SEND_READY -> send(new PeerMessage.Ready(plan.id(), digests));
      case PASS_FINISH -> mayPass.complete(true);
      case DROP_FINISH -> mayPass.complete(false);
      case RESUME -> resume();
      case SEND_RUNNING -> send(new PeerMessage.Running(plan.id()));
      case WRITE_TAKEN -> write(Journal.DestinationPhase.TAKEN);
      case ADOPT -> adopt();
      case SEND_TAKEN -> send(new PeerMessage.Taken(plan.id(), clockSet, problem));
      case REMOVE -> remove();
      case SEND_FAILED -> send(new PeerMessage.Failed(plan.id(), broken));
      case SEND_DESTROYED -> send(new PeerMessage.Destroyed(plan.id()));
    }
  }

  private void send(PeerMessage message) {
    PeerSession to = session;
    if (to == null) {
      return;
    }
    try {
      to.send(message);
    } catch (IOException e) {
      // The session's end is an event of its own; the source asks again.
      log.info("{} could not be sent: {}", message, e.getMessage());
    }
  }

  private void sendPrepared() {
    try {
      send(
          new PeerMessage.Prepared(
              plan.id(),
              image().orElseThrow().disk().toString(),
              instance.instance().disk().toString(),
              instance.instance().console().toString(),
              arrival.emulator().toString()));
    } catch (IOException | RuntimeException e) {
      broken("The image can't be read any more: " + e.getMessage());
    }
  }

  private Optional<Vm> vm() throws NepheleException {
    return context.hypervisor().find(UUID.fromString(plan.uuid()));
  }

  private void verify() {
    try {
      digests = streams.digests();
      Vm vm =
          vm().orElseThrow(() -> new IOException("libvirt says that it is there, and it is not"));
      VmState state = vm.state();
      if (state.run() != VmState.Run.PAUSED) {
        throw new IOException("it should be paused, and is " + state);
      }
      for (int port : plan.ports()) {
        vm.addForward(context.settings().forwardAddress(), port);
      }
      postFirst(new DestinationEvent.Verified());
    } catch (IOException | NepheleException | RuntimeException e) {
      log.error("The copy of {} is no good", plan.uuid(), e);
      broken = "The copy on " + context.node() + " is no good: " + e.getMessage();
      postFirst(new DestinationEvent.Broken(broken));
    } catch (InterruptedException e) {
      broken = "The agent on " + context.node() + " is being stopped.";
      postFirst(new DestinationEvent.Broken(broken));
    }
  }

  private void write(Journal.DestinationPhase phase) {
    try {
      context.journals().write(phase, plan);
      postFirst(new DestinationEvent.JournalWritten());
    } catch (IOException e) {
      log.error("{} of {} can't be written to the journal", phase, plan.id(), e);
      broken = "The journal on " + context.node() + " can't be written: " + e.getMessage();
      pause();
      post(new DestinationEvent.JournalFailed(broken));
    }
  }

  private void resume() {
    Optional<Vm> vm = vmWhenLibvirtAnswers();
    if (vm.isEmpty()) {
      log.error("The copy of {} is gone, and the source wants it to run", plan.uuid());
      broken =
          "Its copy on "
              + context.node()
              + " is gone, and it is not known whether it ran: see what to do by hand in the"
              + " documentation of the handoff.";
      postFirst(new DestinationEvent.CopyGone());
      return;
    }
    try {
      if (!plan.frozen()) {
        vm.get().resume();
      }
    } catch (NepheleException | RuntimeException e) {
      log.error("{} is ours and can't be resumed", plan.uuid(), e);
      problem =
          "It could not be resumed on " + context.node() + ", where it is now: " + e.getMessage();
    }
    postFirst(new DestinationEvent.Resumed());
  }

  /** A libvirtd that is being restarted must not decide what becomes of the instance. */
  private Optional<Vm> vmWhenLibvirtAnswers() {
    while (true) {
      try {
        return vm();
      } catch (NepheleException | RuntimeException e) {
        log.warn("Whether the copy of {} is there can't be seen: {}", plan.uuid(), e.getMessage());
        pause();
      }
    }
  }

  private void adopt() {
    Optional<Vm> vm = vmWhenLibvirtAnswers();
    try {
      if (instance != null) {
        if (vm.isEmpty()) {
          instance.domainEnded();
        }
        instance.commit();
        instance = null;
      }
      if (!plan.frozen()) {
        clockSet = vm.isPresent() ? vm.get().setGuestTime() : null;
      }
    } catch (IOException | NepheleException | RuntimeException e) {
      log.error("{} has arrived, and is not complete as an instance", plan.uuid(), e);
      problem = "It runs on " + context.node() + ", but: " + e.getMessage();
    }
  }

  /** Leaves nothing: no domain, no files, no ports, no journal. */
  private void remove() {
    try {
      if (streams != null) {
        streams.close();
      }
      // Without its folder there is no domain of ours, and one of that UUID is somebody else's.
      Optional<Vm> vm = instance == null ? Optional.empty() : vm();
      if (vm.isPresent()) {
        vm.get().destroy();
        if (vm.get().state().alive()) {
          throw new IOException("the domain is still there");
        }
      }
      if (instance != null) {
        instance.close();
        instance = null; // it may come again while the rest is tried again
      }
      if (sockets != null) {
        sockets.close();
      }
      context.journals().deleteDestination(plan.id());
      postFirst(new DestinationEvent.Removed());
    } catch (IOException | NepheleException | RuntimeException e) {
      log.warn("What came of {} can't be removed yet: {}", plan.uuid(), e.toString());
      pause();
      post(new DestinationEvent.RemoveFailed(String.valueOf(e.getMessage())));
    }
  }

  private static void pause() {
    try {
      TimeUnit.MILLISECONDS.sleep(RETRY_MS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  void over() {
    if (streams != null) {
      streams.close();
    }
    if (sockets != null) {
      try {
        sockets.close();
      } catch (IOException e) {
        log.warn("The sockets of {} can't be removed", plan.id(), e);
      }
    }
    forget.run();
  }

  /** Holds libvirtd's good reply back until READY is on disk. */
  private final class Gate implements FinishGate {
    @Override
    public void finished() throws IOException {
      post(new DestinationEvent.Finished());
      try {
        if (!mayPass.get()) {
          throw new IOException("the copy was given up");
        }
      } catch (InterruptedException | ExecutionException e) {
        throw new IOException(e);
      }
    }

    @Override
    public void ended() {
      // The source decides what a lost reply means.
    }
  }
}
