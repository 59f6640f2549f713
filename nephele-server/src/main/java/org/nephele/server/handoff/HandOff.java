package org.nephele.server.handoff;

import java.io.IOException;
import java.nio.file.Files;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;
import org.nephele.core.handoff.Failure;
import org.nephele.core.handoff.PeerMessage;
import org.nephele.core.handoff.Plan;
import org.nephele.core.handoff.Source;
import org.nephele.core.mux.MuxStream;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.nephele.core.ssh.Destination;
import org.nephele.server.image.Image;
import org.nephele.server.instance.Instance;
import org.nephele.server.instance.InstanceClaim;
import org.nephele.server.instance.InstanceRecord;
import org.nephele.server.libvirt.Capabilities;
import org.nephele.server.libvirt.DomainXml;
import org.nephele.server.libvirt.JobStats;
import org.nephele.server.libvirt.Vm;
import org.nephele.server.libvirt.VmEvent;
import org.nephele.server.libvirt.VmState;
import org.nephele.server.operation.Work;
import org.nephele.server.peer.PeerEvents;
import org.nephele.server.peer.PeerSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The operation: one handoff from here, as the person who wanted it sees it. Used once. */
final class HandOff {
  private static final Logger log = LoggerFactory.getLogger(HandOff.class);
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final long LOOK_MS = 300;

  /** How long the operation waits for the destination's last word before it says so, ms. */
  private static final long SETTLE_MS = 90_000;

  private final Context context;
  private final InstanceClaim claim;
  private final Destination destination;
  private final String typed;
  private final InstanceRecord record;
  private volatile long stoppedAt;

  /**
   * @param claim closed when it is over
   * @param typed the destination as the person typed it
   */
  HandOff(Context context, InstanceClaim claim, Destination destination, String typed) {
    this.context = context;
    this.claim = claim;
    this.destination = destination;
    this.typed = typed;
    this.record = claim.instance().record();
  }

  Api.HandoffDone run(Work work) throws NepheleException, IOException {
    long began = System.nanoTime();
    Relayed events = new Relayed();
    Outgoing outgoing = null;
    try {
      work.phase("connecting");
      Vm vm = context.hypervisor().find(record.uuid()).orElseThrow(this::ended);
      Plan plan = plan(vm);
      PeerSession session = context.connector().connect(destination, events);
      try {
        work.checkCancelled();
        outgoing =
            new Outgoing(
                context,
                plan,
                typed,
                vm,
                Optional.of(claim),
                claim.instance().folder(),
                new Source.Idle());
        work.phase("preparing");
        outgoing.start(session);
        events.passTo(outgoing);
        session.start();
      } catch (NepheleException | IOException | RuntimeException e) {
        outgoing = null;
        session.close("The source gave up.");
        if (e instanceof IOException) {
          throw new NepheleException(
              ErrorKind.FAILED,
              "The handoff's journal can't be written on " + context.node() + ": " + e + ".",
              e);
        }
        throw e;
      }
      return follow(work, outgoing, session, began);
    } catch (NepheleException e) {
      throw outgoing == null ? stays(e) : e;
    } finally {
      if (outgoing == null) {
        claim.close();
      }
    }
  }

  private NepheleException stays(NepheleException e) {
    if (hasEnded()) {
      return ended();
    }
    return new NepheleException(e.kind(), sentence(e.getMessage()) + still(), e.getCause());
  }

  /** As it is, or with a full stop; another sentence follows. */
  private static String sentence(String text) {
    return text.matches("(?s).*[.!?…]") ? text + " " : text + ". ";
  }

  /** What state things are in when nothing came of it. */
  private String still() {
    return "The instance '" + record.title() + "' is still on " + context.node() + ".";
  }

  private Plan plan(Vm vm) throws NepheleException, IOException {
    VmState state = vm.state();
    boolean frozen = state.pausedByUser();
    if (state.run() != VmState.Run.RUNNING && !frozen) {
      throw new NepheleException(
          ErrorKind.REFUSED,
          "The VM is neither running nor frozen: " + state.run() + ", " + state.reason() + ".");
    }
    vm.streamFeatures(); // refuses what can't be read, before anything starts
    DomainXml xml = vm.xml();
    Capabilities here = context.hypervisor().capabilities();
    Image image =
        context
            .images()
            .findByContent(record.imageContent())
            .orElseThrow(
                () ->
                    new NepheleException(
                        ErrorKind.NOT_FOUND,
                        "The image " + record.imageName() + " that it was made from is gone."));
    Instance instance = claim.instance();
    long overlay = Files.size(instance.disk());
    byte[] id = new byte[16];
    RANDOM.nextBytes(id);
    return new Plan(
        HexFormat.of().formatHex(id),
        record.uuid().toString(),
        record.title(),
        record.ports(),
        frozen,
        record.snapshot(),
        record.started(),
        new Plan.Image(image.id(), image.name(), image.content()),
        new Plan.Hardware(
            xml.accelerator().name(),
            xml.machine(),
            xml.cpuModel(),
            here.qemuVersion(),
            xml.vcpus(),
            xml.memoryKib(),
            image.manifest().disk().bytes(),
            overlay),
        context.node(),
        here.hostUuid().toString());
  }

  /**
   * Reports progress until it is over, or until nothing more can be done for now. Whatever can't be
   * shown meanwhile does not end it.
   */
  private Api.HandoffDone follow(Work work, Outgoing outgoing, PeerSession session, long began)
      throws NepheleException, IOException {
    try (AutoCloseable listener = context.hypervisor().listen(this::happened);
        Work.Registration cancel = work.onCancel(outgoing::cancel)) {
      log.debug("following {} {}", listener, cancel);
      while (!outgoing.awaitOver(LOOK_MS)) {
        Source state = outgoing.state();
        if (state.decided()) {
          work.tooLateToCancel();
        }
        if (state instanceof Source.Given given) {
          work.phase("switching over");
          if (!given.taken() && outgoing.sinceChangeMs() > SETTLE_MS) {
            throw unsettled();
          }
        } else if (state instanceof Source.Aborting) {
          work.phase("giving up");
        } else {
          progress(work, outgoing);
        }
      }
      if (outgoing.state().decided()) {
        work.tooLateToCancel();
      }
    } catch (NepheleException | RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new NepheleException(ErrorKind.FAILED, "The agent is being stopped.", e);
    }
    return done(outgoing, session, began);
  }

  private void happened(VmEvent event) {
    if (event instanceof VmEvent.Suspended suspended && suspended.uuid().equals(record.uuid())) {
      stoppedAt = System.nanoTime();
    }
  }

  private static void progress(Work work, Outgoing outgoing) {
    try {
      outgoing.stats().ifPresent(stats -> progress(work, stats));
    } catch (NepheleException | RuntimeException e) {
      log.info("libvirt's numbers can't be had now: {}", e.getMessage());
    }
  }

  private static void progress(Work work, JobStats stats) {
    if (stats.memoryProcessed() > 0) {
      work.progress("memory", stats.memoryProcessed(), stats.memoryTotal(), "bytes");
    } else {
      work.progress("disk", stats.diskProcessed(), stats.diskTotal(), "bytes");
    }
  }

  private NepheleException unsettled() {
    return new NepheleException(
        ErrorKind.FAILED,
        String.format(
            Locale.ROOT,
            "The instance '%s' was given to %s, which has not answered since. It is stopped on %s"
                + " and must not be resumed there; %s goes on asking until %s answers.",
            record.title(),
            typed,
            context.node(),
            context.node(),
            typed));
  }

  private Api.HandoffDone done(Outgoing outgoing, PeerSession session, long began)
      throws NepheleException {
    Source end = outgoing.state();
    if (end instanceof Source.Kept kept) {
      throw failed(kept.failure(), outgoing.trouble());
    }
    if (end instanceof Source.Lost) {
      throw new NepheleException(
          ErrorKind.FAILED,
          "The instance '"
              + record.title()
              + "' was given to "
              + typed
              + ", which lost it before it ran. Its disk is kept in "
              + claim.instance().folder()
              + " on "
              + context.node()
              + "; its memory is lost.");
    }
    if (!(end instanceof Source.Moved)) {
      throw new NepheleException(
          ErrorKind.FAILED,
          "The agent failed in the middle of the handoff of '"
              + record.title()
              + "'. Restart it on "
              + context.node()
              + " ('systemctl restart nephele'): it reads its journal then, and settles this.");
    }
    PeerMessage.Taken taken = outgoing.taken();
    if (taken != null && taken.problem() != null) {
      throw new NepheleException(
          ErrorKind.FAILED,
          "The instance '"
              + record.title()
              + "' was handed off to "
              + typed
              + ", but not all is"
              + " well there: "
              + taken.problem());
    }
    long at = outgoing.runningAt();
    return new Api.HandoffDone(
        record.title(),
        record.uuid().toString(),
        typed,
        (at - began) / 1e9,
        stoppedAt == 0 ? 0 : Math.max(0, (at - stoppedAt) / 1_000_000),
        session.bytesSent(),
        session.bytesReceived(),
        taken == null ? null : taken.clockSet());
  }

  private NepheleException ended() {
    return new NepheleException(
        ErrorKind.FAILED,
        "The instance '"
            + record.title()
            + "' ended on "
            + context.node()
            + " while it was being handed off: there is nothing to move any more.");
  }

  /**
   * @param trouble with the VM that was kept, or null
   */
  private NepheleException failed(Failure failure, String trouble) {
    if (hasEnded()) {
      return ended();
    }
    String message =
        failure.kind() == ErrorKind.HANDOFF_FAILED
            ? "The handoff of '" + record.title() + "' to " + typed + " failed: "
            : "";
    return new NepheleException(
        failure.kind(),
        message + sentence(failure.message()) + still() + (trouble == null ? "" : " " + trouble));
  }

  /** The guest may have powered itself off, or somebody destroyed it. */
  private boolean hasEnded() {
    try {
      return context.hypervisor().find(record.uuid()).isEmpty();
    } catch (NepheleException e) {
      log.warn("libvirt can't be asked: {}", e.getMessage());
      return false;
    }
  }

  /**
   * The session exists before the one who listens to it. Before it is started nothing comes, but it
   * may be lost, and says so only once.
   */
  static final class Relayed implements PeerEvents {
    private volatile PeerEvents to;
    private String lostBecause;

    synchronized void passTo(PeerEvents events) {
      to = events;
      if (lostBecause != null) {
        events.lost(lostBecause);
      }
    }

    @Override
    public void message(PeerMessage message) {
      to.message(message);
    }

    @Override
    public void opened(MuxStream stream) throws IOException {
      to.opened(stream);
    }

    @Override
    public synchronized void lost(String reason) {
      lostBecause = reason;
      if (to != null) {
        to.lost(reason);
      }
    }
  }
}
