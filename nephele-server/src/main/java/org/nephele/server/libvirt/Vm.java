package org.nephele.server.libvirt;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import org.nephele.core.protocol.NepheleException;

/**
 * One of our domains. Only a name for it: every call asks libvirt, so a handle stays good when
 * libvirtd restarts, and throws {@code NOT_FOUND} once the domain is gone. Thread-safe.
 */
public final class Vm {

  public UUID uuid() {
    throw new UnsupportedOperationException();
  }

  /** libvirt's name, {@code nephele-UUID}. */
  public String name() {
    throw new UnsupportedOperationException();
  }

  /** {@link VmState.Run#OFF} when the domain is gone. */
  public VmState state() throws NepheleException {
    throw new UnsupportedOperationException();
  }

  /** The live XML: title, mark and paths, as they are now. */
  public DomainXml xml() throws NepheleException {
    throw new UnsupportedOperationException();
  }

  /**
   * The XML from which libvirt, also an older one, starts a VM with exactly these devices at these
   * addresses: what an image keeps and {@link DomainXml#forInstance} starts from.
   */
  public DomainXml migratableXml() throws NepheleException {
    throw new UnsupportedOperationException();
  }

  /** Stops the CPUs. Nothing happens when they are stopped already. */
  public void suspend() throws NepheleException {
    throw new UnsupportedOperationException();
  }

  /** Lets the CPUs run. Nothing happens when they do already. */
  public void resume() throws NepheleException {
    throw new UnsupportedOperationException();
  }

  /** Pulls the plug. Nothing happens when the domain is gone already. */
  public void destroy() throws NepheleException {
    throw new UnsupportedOperationException();
  }

  /** Presses the power button (ACPI); the guest may take its time or not react. */
  public void shutdown() throws NepheleException {
    throw new UnsupportedOperationException();
  }

  /**
   * A command of QEMU's monitor. Not for commands that change what libvirt believes. Blocks behind
   * a migration by libvirt, which holds the monitor.
   *
   * @param arguments null for none
   * @return the member {@code return} of QEMU's answer
   * @throws NepheleException with QEMU's own description when it refuses
   */
  public JsonNode qmp(String execute, ObjectNode arguments) throws NepheleException {
    throw new UnsupportedOperationException();
  }

  /** A command of QEMU's human monitor; most of its errors are only text in the answer. */
  public String hmp(String command) throws NepheleException {
    throw new UnsupportedOperationException();
  }

  /** The QEMU process. */
  public long pid() throws NepheleException {
    throw new UnsupportedOperationException();
  }

  /**
   * libvirt's folder for this domain, where QEMU's user and its AppArmor profile may reach a
   * socket.
   */
  public Path domainFolder() throws NepheleException {
    throw new UnsupportedOperationException();
  }

  /**
   * Sets the guest's clock to the node's through the guest agent; takes at most some seconds, and
   * hardly any without an agent.
   *
   * @return whether an agent answered and did it
   */
  public boolean setGuestTime() throws NepheleException {
    throw new UnsupportedOperationException();
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
    throw new UnsupportedOperationException();
  }

  public void removeForward(String bindAddress, int port) throws NepheleException {
    throw new UnsupportedOperationException();
  }

  /** A TCP forward as QEMU lists it. */
  public record Forward(String bindAddress, int port, int guestPort) {}

  /** The forwards QEMU has now; empty without a user network. */
  public List<Forward> forwards() throws NepheleException {
    throw new UnsupportedOperationException();
  }
}
