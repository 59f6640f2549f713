package org.nephele.server.libvirt;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.UUID;
import org.libvirt.Connect;
import org.libvirt.ErrorCallback;
import org.libvirt.Library;
import org.libvirt.LibvirtException;
import org.libvirt.jna.DomainPointer;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One connection to a libvirtd, with the calls that libvirt-java lacks. Thread-safe. */
final class Connection extends Connect {
  private static final Logger LOG = LoggerFactory.getLogger(Connection.class);

  /** VIR_ERR_NO_DOMAIN. */
  private static final int NO_DOMAIN = 42;

  /** Held, since libvirt keeps calling it. */
  private static final ErrorCallback SILENT = new ErrorCallback();

  private static Native calls;

  private Connection(String uri) throws LibvirtException {
    super(uri);
  }

  /**
   * Loads the library and starts the event loop, which must be there before the first connection:
   * without it events and keepalive do nothing.
   */
  static synchronized void initialize() throws NepheleException {
    if (calls != null) {
      return;
    }
    if (System.getProperty("jna.encoding") == null) {
      // libvirt speaks UTF-8; JNA would take the locale's encoding, which is ASCII under systemd.
      System.setProperty("jna.encoding", "UTF-8");
    }
    try {
      Native loaded = Native.load();
      Library.initEventLoop();
      setErrorCallback(SILENT); // else libvirt prints every error to standard error
      Thread loop = new Thread(Connection::eventLoop, "libvirt-events");
      loop.setDaemon(true);
      loop.start();
      calls = loaded;
    } catch (UnsatisfiedLinkError | LibvirtException e) {
      throw new NepheleException(
          ErrorKind.FAILED,
          "libvirt's library can't be used, is the package libvirt0 installed? " + e.getMessage(),
          e);
    }
  }

  private static void eventLoop() {
    while (true) {
      try {
        Library.processEvent();
      } catch (LibvirtException | RuntimeException e) {
        LOG.warn("libvirt's event loop: {}", e.getMessage(), e);
      }
    }
  }

  static Connection open(String uri) throws LibvirtException {
    return new Connection(uri);
  }

  /** Whether the socket is open, as far as the event loop has noticed. Does not ask libvirtd. */
  boolean alive() {
    try {
      return isAlive();
    } catch (LibvirtException e) {
      return false;
    }
  }

  /**
   * Empty when there is no such domain.
   *
   * @throws NepheleException with libvirt's message
   */
  Optional<VmState> state(UUID uuid) throws NepheleException {
    byte[] bytes =
        ByteBuffer.allocate(16)
            .putLong(uuid.getMostSignificantBits())
            .putLong(uuid.getLeastSignificantBits())
            .array();
    DomainPointer domain = calls.virDomainLookupByUUID(vcp, bytes);
    if (domain == null) {
      return noDomain();
    }
    try {
      IntByReference state = new IntByReference();
      IntByReference reason = new IntByReference();
      if (calls.virDomainGetState(domain, state, reason, 0) != 0) {
        return noDomain();
      }
      return Optional.of(VmState.of(state.getValue(), reason.getValue()));
    } finally {
      calls.virDomainFree(domain);
    }
  }

  private static Optional<VmState> noDomain() throws NepheleException {
    if (calls.virGetLastErrorCode() == NO_DOMAIN) {
      return Optional.empty();
    }
    throw new NepheleException(
        ErrorKind.FAILED, "libvirt can't tell a VM's state: " + calls.virGetLastErrorMessage());
  }

  /**
   * libvirt's domain capabilities as XML.
   *
   * @param emulator null for libvirt's choice
   * @param virtType {@code kvm} or {@code qemu}
   * @return empty when the emulator can't do that type here
   */
  Optional<String> domainCapabilities(String emulator, String virtType) {
    Pointer text =
        calls.virConnectGetDomainCapabilities(vcp, emulator, "x86_64", null, virtType, 0);
    if (text == null) {
      LOG.debug("no {} with {}: {}", virtType, emulator, calls.virGetLastErrorMessage());
      return Optional.empty();
    }
    try {
      return Optional.of(text.getString(0, "UTF-8"));
    } finally {
      com.sun.jna.Native.free(Pointer.nativeValue(text));
    }
  }

  /** The calling thread's last error in libvirt, after {@link #domainCapabilities} was empty. */
  static String lastError() {
    return calls.virGetLastErrorMessage();
  }
}
