package org.nephele.server.handoff;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.nephele.core.handoff.Failure;
import org.nephele.core.handoff.Journal;
import org.nephele.core.handoff.PeerMessage;
import org.nephele.core.handoff.Plan;
import org.nephele.core.handoff.Source;
import org.nephele.core.handoff.SourceAction;
import org.nephele.core.handoff.SourceEvent;
import org.nephele.core.handoff.Step;
import org.nephele.core.io.DurableFiles;
import org.nephele.core.libvirtrpc.FinishGate;
import org.nephele.core.mux.MuxStream;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.Settings;
import org.nephele.server.instance.InstanceClaim;
import org.nephele.server.libvirt.Disk;
import org.nephele.server.libvirt.DomainXml;
import org.nephele.server.libvirt.JobStats;
import org.nephele.server.libvirt.Migration;
import org.nephele.server.libvirt.QemuMemory;
import org.nephele.server.libvirt.Vm;
import org.nephele.server.libvirt.VmState;
import org.nephele.server.peer.PeerEvents;
import org.nephele.server.peer.PeerSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One instance on its way to another node: carries out what {@link Source} says. */
final class Outgoing extends Driver<Source, SourceEvent, SourceAction> implements PeerEvents {
  private static final Logger log = LoggerFactory.getLogger(Outgoing.class);

  /** How long the other side may take for an answer that needs no data to be sent, ms. */
  private static final long ANSWER_MS = 30_000;

  /** To prepare: qemu-img, and a libvirt that may be busy. */
  private static final long PREPARE_MS = 120_000;

  /** After a restart, libvirt needs a while to notice that its client is gone. */
  private static final long RESUME_MS = 60_000;

  private static final long RETRY_MS = 1000;

  private final Context context;
  private final Plan plan;
  private final String destination;
  private final Vm vm;
  private final Optional<InstanceClaim> claim;
  private final Settler settler;
  private final Path folder;
  private final CompletableFuture<Boolean> mayPass = new CompletableFuture<>();

  private volatile PeerSession session;
  private volatile SourceStreams streams;
  private volatile Migration migration;
  private volatile PeerMessage.Prepared place;
  private volatile PeerMessage.Taken taken;
  private volatile long runningAt;
  private volatile String trouble;

  /**
   * @param vm the domain; null when there is none any more
   * @param claim keeps others off the instance until this has ended; empty when there is nothing
   *     left of it here
   * @param folder of the instance, removed when it has moved
   */
  Outgoing(
      Context context,
      Plan plan,
      String destination,
      Vm vm,
      Optional<InstanceClaim> claim,
      Path folder,
      Source state) {
    super("handoff of " + plan.uuid() + " to " + destination, state);
    this.context = context;
    this.plan = plan;
    this.destination = destination;
    this.vm = vm;
    this.claim = claim;
    this.folder = folder;
    this.settler = new Settler(context.connector(), context.journals());
  }

  /**
   * Begins, over a session that was greeted and not started: whoever listens to it passes on what
   * comes from now on, and starts it.
   */
  void start(PeerSession session) throws IOException {
    this.session = session;
    context.journals().write(Journal.SourcePhase.STARTED, destination, plan);
    post(new SourceEvent.Started());
    startThread();
  }

  void cancel() {
    post(new SourceEvent.Cancelled());
  }

  /** When the destination said that it runs there, {@link System#nanoTime}. */
  long runningAt() {
    return runningAt;
  }

  /** What the destination said last; null before that. */
  PeerMessage.Taken taken() {
    return taken;
  }

  /** Why it does not run here although it was kept, a sentence; null when all is well. */
  String trouble() {
    return trouble;
  }

  /** libvirt's numbers while it is at work. */
  Optional<JobStats> stats() throws NepheleException {
    Migration at = migration;
    return at != null && state() instanceof Source.Moving ? at.stats() : Optional.empty();
  }

  // What comes from the destination. Called by the session's reader.

  @Override
  public void message(PeerMessage message) {
    if (!message.id().equals(plan.id())) {
      log.warn("{} is about another handoff", message);
    } else if (message instanceof PeerMessage.Prepared m) {
      place = m;
      post(new SourceEvent.Prepared());
    } else if (message instanceof PeerMessage.Refused m) {
      Failure failure = new Failure(ErrorKind.ofRpcCode(m.code()), m.message());
      post(new SourceEvent.Refused(failure));
    } else if (message instanceof PeerMessage.Ready m) {
      SourceStreams at = streams;
      String wrong = at == null ? "Nothing was sent." : at.compare(m.digests());
      post(wrong == null ? new SourceEvent.PeerReady() : new SourceEvent.PeerFailed(wrong));
    } else if (message instanceof PeerMessage.Running) {
      runningAt = System.nanoTime();
    } else if (message instanceof PeerMessage.Taken m) {
      answered(m);
    } else if (message instanceof PeerMessage.Failed m) {
      post(new SourceEvent.PeerFailed(m.message()));
    } else if (message instanceof PeerMessage.Destroyed) {
      post(new SourceEvent.PeerDestroyed());
    } else {
      log.error("{} is nothing that a destination says", message);
    }
  }

  private void answered(PeerMessage message) {
    if (message instanceof PeerMessage.Taken m) {
      taken = m;
      if (runningAt == 0) {
        runningAt = System.nanoTime();
      }
      post(new SourceEvent.PeerTaken());
    } else if (message instanceof PeerMessage.Destroyed) {
      post(new SourceEvent.PeerDestroyed());
    }
  }

  @Override
  public void opened(MuxStream stream) throws IOException {
    throw new IOException("the source opens the streams");
  }

  @Override
  public void lost(String reason) {
    post(new SourceEvent.SessionLost(reason));
  }

  @Override
  Step<Source, SourceAction> step(Source state, SourceEvent event) {
    return state.on(event);
  }

  @Override
  boolean ended(Source state) {
    return state.ended();
  }

  @Override
  void tick() {
    Source now = state();
    long ms = sinceChangeMs();
    if (session == null) {
      return;
    }
    if ((now instanceof Source.Preparing && ms > PREPARE_MS)
        || (now instanceof Source.Moving m && (m.ready() || m.held()) && ms > ANSWER_MS)
        || (now instanceof Source.Aborting a && a.peer() == Source.Peer.ASKED && ms > ANSWER_MS)
        || (now instanceof Source.Given g && !g.taken() && ms > 2 * ANSWER_MS)) {
      session.close(destination + " did not answer in time.");
    }
  }

  @Override
  void carryOut(SourceAction action) {
    switch (action) {
      case SEND_PREPARE -> send(new PeerMessage.Prepare(plan.id(), plan));
      case START_MIGRATION -> startMigration();
      case WRITE_COMMIT -> write(Journal.SourcePhase.COMMITTED);
      case SEND_COMMIT -> send(new PeerMessage.Commit(plan.id()));
      case PASS_FINISH -> mayPass.complete(true);
      case ABORT_MIGRATION -> abortMigration();
      case DROP_FINISH -> drop();
      case SEND_ABORT -> send(new PeerMessage.Abort(plan.id(), "The source gave up."));
      case WRITE_ABORT -> write(Journal.SourcePhase.ABORTED);
      case RESUME_DOMAIN -> resumeDomain();
      case DESTROY_DOMAIN -> destroyDomain();
      case SETTLE_COMMIT ->
          settler.tell(destination, new PeerMessage.Commit(plan.id()), this::answered);
      case SETTLE_ABORT -> settleAbort();
      case FORGET_INSTANCE -> forgetInstance();
      case FORGET_JOURNAL -> forgetJournal();
    }
  }

  private void send(PeerMessage message) {
    try {
      session.send(message);
    } catch (IOException e) {
      // The session's end is an event of its own.
      log.info("{} could not be sent: {}", message, e.getMessage());
    }
  }

  private void startMigration() {
    try {
      // For root alone: whoever may connect talks to the destination's libvirtd.
      Path libvirt = Path.of("/run/nephele", plan.id() + ".libvirt");
      SocketFolder sockets = SocketFolder.make(plan.id());
      streams =
          new SourceStreams(
              session,
              vm.streamFeatures(),
              vm.losesPages() ? Optional.of(QemuMemory.open(vm)) : Optional.empty(),
              sockets,
              libvirt,
              new Gate(),
              problem -> post(new SourceEvent.PeerFailed(problem)));
      streams.open();
      migration =
          new Migration(
              vm,
              new Migration.Target(
                  "qemu+unix:///system?socket=" + libvirt,
                  "unix://" + sockets.qemu(),
                  "unix://" + sockets.nbd(),
                  destinationXml(),
                  true));
      Thread thread = new Thread(this::migrate, "migrate " + plan.uuid());
      thread.setDaemon(true);
      thread.start();
    } catch (IOException | NepheleException | RuntimeException e) {
      log.error("The migration of {} can't be started", plan.uuid(), e);
      post(new SourceEvent.LibvirtReturned(false, String.valueOf(e.getMessage())));
    }
  }

  private DomainXml destinationXml() throws NepheleException {
    Settings here = context.settings();
    Settings there =
        new Settings(
            here.accelerator(),
            place.emulator() == null ? "" : place.emulator(),
            here.cpuModel(),
            here.machine(),
            here.forwardAddress(),
            here.libvirtUri(),
            here.nodeKey());
    return vm.migratableXml()
        .forDestination(
            new Disk.Overlay(Path.of(place.overlay()), Path.of(place.backing())),
            Path.of(place.console()),
            there);
  }

  private void migrate() {
    try {
      migration.run();
      post(new SourceEvent.LibvirtReturned(true, ""));
    } catch (NepheleException | RuntimeException e) {
      log.info("libvirt's migration of {} ended: {}", plan.uuid(), e.getMessage());
      post(new SourceEvent.LibvirtReturned(false, String.valueOf(e.getMessage())));
    }
  }

  /** Not on the driver's thread: a libvirtd that hangs must not keep us from deciding. */
  private void abortMigration() {
    Migration at = migration;
    Thread thread =
        new Thread(
            () -> {
              try {
                at.abort();
              } catch (NepheleException | RuntimeException e) {
                log.warn("libvirt can't be asked to stop: {}", e.getMessage());
              }
            },
            "abort " + plan.uuid());
    thread.setDaemon(true);
    thread.start();
  }

  private void drop() {
    mayPass.complete(false);
    if (streams != null) {
      streams.close();
    }
  }

  private void write(Journal.SourcePhase phase) {
    try {
      context.journals().write(phase, destination, plan);
      // After what came meanwhile: a decision that nobody was told can still be taken back.
      post(new SourceEvent.JournalWritten());
    } catch (IOException e) {
      log.error("{} of {} can't be written to the journal", phase, plan.id(), e);
      if (phase == Journal.SourcePhase.ABORTED) {
        sleep(RETRY_MS);
      }
      post(new SourceEvent.JournalFailed(String.valueOf(e.getMessage())));
    }
  }

  /** Whatever libvirt did about it, and however long it takes to see that its client is gone. */
  private void resumeDomain() {
    if (vm == null) {
      log.warn("Nothing of {} is to be resumed here", plan.uuid());
      return;
    }
    long end = System.nanoTime() + RESUME_MS * 1_000_000;
    while (true) {
      try {
        VmState state = vm.state();
        if (!state.alive()) {
          log.error("{} has ended at the source during its handoff: {}", plan.uuid(), state);
          return;
        }
        if (plan.frozen() || !stopped(state)) {
          log.info("{} goes on here: {}", plan.uuid(), state);
          return;
        }
        vm.resume();
      } catch (NepheleException | RuntimeException e) {
        log.warn("{} can't be resumed yet: {}", plan.uuid(), e.getMessage());
        sleep(RETRY_MS);
      }
      if (System.nanoTime() > end) {
        trouble =
            "It is paused there and could not be resumed: say 'virsh resume "
                + vm.name()
                + "' on that node.";
        log.error("{}: {}", plan.uuid(), trouble);
        return;
      }
    }
  }

  /** As a migration stops it. A person's pause, and a full disk's, are left alone. */
  private static boolean stopped(VmState state) {
    return state.run() == VmState.Run.PAUSED
        && (state.reason() == VmState.Reason.MIGRATION || state.reason() == VmState.Reason.UNKNOWN);
  }

  private void destroyDomain() {
    try {
      vm.destroy();
      post(new SourceEvent.DomainGone());
    } catch (NepheleException | RuntimeException e) {
      log.error("The source's copy of {}, which moved, can't be destroyed yet", plan.uuid(), e);
      sleep(RETRY_MS);
      post(new SourceEvent.LibvirtReturned(false, "")); // asks for it again
    }
  }

  private void settleAbort() {
    settler.tell(
        destination,
        new PeerMessage.Abort(plan.id(), "The source gave up."),
        answer -> {
          if (answer instanceof PeerMessage.Destroyed) {
            forgetJournal();
          } else {
            log.error("{} says that it took {}, which runs here", destination, plan.uuid());
          }
        });
  }

  private void forgetInstance() {
    context.instances().departed(UUID.fromString(plan.uuid()));
    try {
      DurableFiles.deleteTree(folder); // if its record could not be read, nobody knew it
    } catch (IOException e) {
      log.error("{} can't be removed", folder, e);
    }
    forgetJournal();
  }

  private void forgetJournal() {
    try {
      context.journals().deleteSource(plan.id());
    } catch (IOException e) {
      log.error(
          "The journal of {} can't be removed; it is settled again at the next start",
          plan.id(),
          e);
    }
  }

  @Override
  void over() {
    drop();
    if (session != null) {
      session.close("The handoff is over.");
    }
    claim.ifPresent(InstanceClaim::close);
  }

  private static void sleep(long ms) {
    try {
      TimeUnit.MILLISECONDS.sleep(ms);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Holds the good reply to Finish, and the end of libvirt's connection, until it is decided. */
  private final class Gate implements FinishGate {
    @Override
    public void finished() throws IOException {
      post(new SourceEvent.FinishHeld());
      if (!decision()) {
        throw new IOException("the handoff was given up");
      }
    }

    @Override
    public void ended() {
      if (!mayPass.isDone() && !streams.clientLeft()) {
        post(
            new SourceEvent.PeerFailed(
                "The connection to libvirt on " + destination + " was closed there."));
      }
      try {
        decision();
      } catch (IOException e) {
        log.debug("no decision: {}", e.toString());
      }
    }

    private boolean decision() throws IOException {
      try {
        return mayPass.get();
      } catch (InterruptedException | ExecutionException e) {
        throw new IOException(e);
      }
    }
  }
}
