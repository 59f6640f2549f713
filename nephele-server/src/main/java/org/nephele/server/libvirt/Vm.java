package org.nephele.server.libvirt;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import org.libvirt.LibvirtException;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.nephele.core.qemu.StreamFeatures;
import org.nephele.server.Settings.Accelerator;

/**
 * One of our domains. Only a name for it: every call asks libvirt, so a handle stays good when
 * libvirtd restarts, and throws {@code NOT_FOUND} once the domain is gone. Thread-safe.
 */
public final class Vm {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int XML_MIGRATABLE = 8;
  private static final int MONITOR_HMP = 1;

  /** How long a guest agent may take for one answer, seconds; libvirt waits no shorter time. */
  /** How far off a guest's clock may be that was just set. */
  private static final double CLOCK_SECONDS = 2;

  private static final int AGENT_SECONDS = 3;

  /** A restored guest's agent channel shows as connected a moment after the guest began to run. */
  private static final long AGENT_CONNECT_MS = 500;

  /** A guest's clock this near the node's counts as set: asking takes time too. */
  private static final long CLOCK_NS = 2_000_000_000;

  private final Hypervisor hypervisor;
  private final UUID uuid;

  Vm(Hypervisor hypervisor, UUID uuid) {
    this.hypervisor = hypervisor;
    this.uuid = uuid;
  }

  public UUID uuid() {
    return uuid;
  }

  /** libvirt's name, {@code nephele-UUID}. */
  public String name() {
    return DomainXml.NAME_PREFIX + uuid;
  }

  Hypervisor hypervisor() {
    return hypervisor;
  }

  /** {@link VmState.Run#OFF} when the domain is gone. */
  public VmState state() throws NepheleException {
    Optional<VmState> state =
        hypervisor.call("The state of " + name() + " can't be read", c -> c.state(uuid));
    return state.orElse(VmState.GONE);
  }

  /** The live XML: title, mark and paths, as they are now. */
  public DomainXml xml() throws NepheleException {
    return xml(0);
  }

  /**
   * The XML that libvirt itself sends along in a migration: all devices with their addresses,
   * nothing that belongs to this run or this node. For {@link DomainXml#forDestination}.
   */
  public DomainXml migratableXml() throws NepheleException {
    return xml(XML_MIGRATABLE);
  }

  /**
   * What has to be kept with a captured state, for {@link DomainXml#forInstance}: the migratable
   * XML, and the CPU with every feature that the guest really got. libvirt checks those wherever
   * the state is restored; from the model's name alone it would quietly leave out what another host
   * lacks.
   */
  public DomainXml captureXml() throws NepheleException {
    return migratableXml().withCpuOf(xml());
  }

  private DomainXml xml(int flags) throws NepheleException {
    return DomainXml.parse(
        hypervisor.call(
            uuid, "The XML of " + name() + " can't be read", domain -> domain.getXMLDesc(flags)));
  }

  /** Stops the CPUs. Nothing happens when they are stopped already. */
  public void suspend() throws NepheleException {
    act("can't be paused", domain -> domain.suspend());
  }

  /** Lets the CPUs run. Nothing happens when they do already. */
  public void resume() throws NepheleException {
    try {
      act("can't be resumed", domain -> domain.resume());
    } catch (NepheleException e) {
      // libvirt takes a second pause, but not a second resume.
      if (state().run() != VmState.Run.RUNNING) {
        throw e;
      }
    }
  }

  /** Pulls the plug. Nothing happens when the domain is gone already. */
  public void destroy() throws NepheleException {
    try {
      act("can't be destroyed", domain -> domain.destroy());
    } catch (NepheleException e) {
      if (e.kind() != ErrorKind.NOT_FOUND && state().alive()) {
        throw e;
      }
    }
  }

  /** Presses the power button (ACPI); the guest may take its time or not react. */
  public void shutdown() throws NepheleException {
    act("can't be told to shut down", domain -> domain.shutdown());
  }

  /** An action without a result. */
  @FunctionalInterface
  private interface Action {
    void on(org.libvirt.Domain domain) throws LibvirtException;
  }

  private void act(String failing, Action action) throws NepheleException {
    hypervisor.call(
        uuid,
        "The VM " + name() + " " + failing,
        domain -> {
          action.on(domain);
          return null;
        });
  }

  /**
   * A command of QEMU's monitor. Not for commands that change what libvirt believes. While libvirt
   * migrates the VM it holds the monitor, and this fails after 30 s.
   *
   * @param arguments null for none
   * @return the member {@code return} of QEMU's answer
   * @throws NepheleException with QEMU's own description when it refuses
   */
  public JsonNode qmp(String execute, ObjectNode arguments) throws NepheleException {
    ObjectNode command = JSON.createObjectNode().put("execute", execute);
    if (arguments != null) {
      command.set("arguments", arguments);
    }
    String failing = "QEMU's monitor of " + name() + " refuses " + execute;
    String answer =
        hypervisor.call(uuid, failing, domain -> domain.qemuMonitorCommand(command.toString(), 0));
    JsonNode parsed = json(answer, failing);
    if (parsed.has("error")) {
      throw new NepheleException(
          ErrorKind.FAILED, failing + ": " + parsed.path("error").path("desc").asText());
    }
    return parsed.path("return");
  }

  static ObjectNode arguments() {
    return JSON.createObjectNode();
  }

  private static JsonNode json(String text, String failing) throws NepheleException {
    try {
      return JSON.readTree(text);
    } catch (JsonProcessingException e) {
      throw new NepheleException(
          ErrorKind.FAILED, failing + ": its answer is not JSON: " + e.getOriginalMessage(), e);
    }
  }

  /**
   * What the memory stream of a handoff will be like.
   *
   * @throws NepheleException {@code REFUSED} when QEMU was told to send it in a way that can't be
   *     read
   */
  public StreamFeatures streamFeatures() throws NepheleException {
    Set<String> on = new TreeSet<>();
    for (JsonNode capability : qmp("query-migrate-capabilities", null)) {
      if (capability.path("state").asBoolean()) {
        on.add(capability.path("capability").asText());
      }
    }
    // Memory on huge pages is refused when an image is built.
    Optional<String> refusal = StreamFeatures.refusal(on, false);
    if (refusal.isPresent()) {
      throw new NepheleException(ErrorKind.REFUSED, refusal.get());
    }
    return StreamFeatures.of(on);
  }

  /**
   * Whether this VM's QEMU loses track of pages in a live migration, so that the stream has to be
   * checked against the guest's memory: QEMU before 9.0 with TCG, see {@link
   * org.nephele.core.qemu.MissedPages}.
   */
  public boolean losesPages() throws NepheleException {
    return xml().accelerator() == Accelerator.TCG
        && qmp("query-version", null).path("qemu").path("major").asInt() < 9;
  }

  /** A command of QEMU's human monitor; most of its errors are only text in the answer. */
  public String hmp(String command) throws NepheleException {
    return hypervisor.call(
        uuid,
        "QEMU's monitor of " + name() + " refuses '" + command + "'",
        domain -> domain.qemuMonitorCommand(command, MONITOR_HMP));
  }

  /** The QEMU process. */
  public long pid() throws NepheleException {
    Path file = hypervisor.folders().run().resolve(name() + ".pid");
    try {
      return Long.parseLong(Files.readString(file).strip());
    } catch (IOException | NumberFormatException e) {
      throw new NepheleException(
          ErrorKind.NOT_FOUND, "The process of " + name() + " is not in " + file + ".", e);
    }
  }

  /**
   * libvirt's folder for this domain, where QEMU's user and its AppArmor profile may reach a
   * socket.
   */
  public Path domainFolder() throws NepheleException {
    int id =
        hypervisor.call(
            uuid, "The folder of " + name() + " can't be found", domain -> domain.getID());
    // libvirt shortens the name in it; the number alone is unique.
    Path parent = hypervisor.folders().state();
    try (DirectoryStream<Path> found =
        Files.newDirectoryStream(parent, "domain-" + id + "-" + DomainXml.NAME_PREFIX + "*")) {
      for (Path folder : found) {
        String shortened =
            folder.getFileName().toString().substring(("domain-" + id + "-").length());
        if (name().startsWith(shortened)) {
          return folder;
        }
      }
    } catch (IOException e) {
      throw new NepheleException(
          ErrorKind.FAILED, "The folder of " + name() + " can't be found: " + e.getMessage(), e);
    }
    throw new NepheleException(
        ErrorKind.FAILED,
        "libvirt has no folder domain-" + id + "-… for " + name() + " in " + parent + ".");
  }

  /** The end of what QEMU printed: where a reason is when QEMU dies. Empty when there is none. */
  String logTail(int maxChars) {
    Path file = hypervisor.folders().log().resolve(name() + ".log");
    try {
      String text = Files.readString(file);
      return text.substring(Math.max(0, text.length() - maxChars)).strip();
    } catch (IOException e) {
      return "";
    }
  }

  /**
   * Sets the guest's clock to the node's through the guest agent; takes at most some seconds, and
   * half a second without an agent. The VM must be running.
   *
   * @return whether an agent answered and did it
   */
  public boolean setGuestTime() throws NepheleException {
    long deadline = System.nanoTime() + AGENT_CONNECT_MS * 1_000_000;
    while (!xml().agentConnected()) {
      if (System.nanoTime() > deadline) {
        return false;
      }
      Hypervisor.pause(50);
    }
    if (agent("guest-ping", null).isEmpty()) {
      return false;
    }
    agent("guest-set-time", arguments().put("time", nanos(Instant.now())));
    // Its answer is not the truth: without hwclock in the guest (Debian's util-linux-extra) it is
    // an
    // error, after the guest's clock was set.
    Optional<JsonNode> time = agent("guest-get-time", null);
    return time.isPresent()
        && Math.abs(time.get().path("return").asLong() - nanos(Instant.now())) < CLOCK_NS;
  }

  private static long nanos(Instant time) {
    return time.getEpochSecond() * 1_000_000_000 + time.getNano();
  }

  /** Empty when the agent does not answer in time or refuses. */
  private Optional<JsonNode> agent(String execute, ObjectNode arguments) throws NepheleException {
    ObjectNode command = JSON.createObjectNode().put("execute", execute);
    if (arguments != null) {
      command.set("arguments", arguments);
    }
    try {
      String failing = "The guest agent of " + name() + " refuses " + execute;
      String answer =
          hypervisor.call(
              uuid,
              failing,
              domain -> domain.qemuAgentCommand(command.toString(), AGENT_SECONDS, 0));
      return Optional.of(json(answer, failing)).filter(parsed -> parsed.has("return"));
    } catch (NepheleException e) {
      if (e.kind() == ErrorKind.NOT_FOUND) {
        throw e;
      }
      return Optional.empty();
    }
  }

  /**
   * Forwards a TCP port of the node to the same port of the guest. Works while the VM is paused.
   * Forwards do not migrate.
   *
   * @param bindAddress IPv4 address of the node
   * @throws NepheleException {@code BUSY} when the port is taken, {@code REFUSED} when the VM has
   *     no user network
   */
  public void addForward(String bindAddress, int port) throws NepheleException {
    UserNetwork.of(this).add(bindAddress, port);
  }

  /**
   * @throws NepheleException {@code NOT_FOUND} when there is no such forward
   */
  public void removeForward(String bindAddress, int port) throws NepheleException {
    UserNetwork.of(this).remove(bindAddress, port);
  }

  /** A TCP forward as QEMU lists it. */
  public record Forward(String bindAddress, int port, int guestPort) {}

  /** The forwards QEMU has now; empty without a user network. */
  public List<Forward> forwards() throws NepheleException {
    return xml().userNetdev().isEmpty() ? List.of() : UserNetwork.of(this).list();
  }

  @Override
  public String toString() {
    return name();
  }
}
