package org.nephele.server.libvirt;

import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.libvirt.Connect;
import org.libvirt.Domain;
import org.libvirt.Error.ErrorNumber;
import org.libvirt.LibvirtException;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.Settings;
import org.nephele.server.Settings.Accelerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The node's libvirt. Thread-safe. Opened once; when libvirtd was restarted the next call connects
 * again, and listeners go on hearing.
 */
public final class Hypervisor implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Hypervisor.class);

  private static final int START_PAUSED = 1;
  private static final int METADATA_ELEMENT = 2;
  private static final int LIST_ACTIVE =
      Connect.ConnectListAllDomainsFlags.CONNECT_LIST_DOMAINS_ACTIVE;

  /** A hung libvirtd is given up after 30 s, so that no call of ours hangs for ever. */
  private static final int KEEPALIVE_SECONDS = 5;

  private static final int KEEPALIVE_COUNT = 5;

  /** A restart of libvirtd takes about a second when there is no socket of systemd's to hold on. */
  private static final long CONNECT_MS = 5000;

  /** How long a call waits for a connection; longer, since opening one takes a few answers. */
  private static final long OPEN_MS = 10_000;

  private final Settings settings;
  private final Folders folders;
  private final List<Consumer<VmEvent>> listeners = new CopyOnWriteArrayList<>();
  private final ExecutorService dispatcher =
      Executors.newSingleThreadExecutor(
          task -> {
            Thread thread = new Thread(task, "vm-events");
            thread.setDaemon(true);
            return thread;
          });
  private final Thread watcher = new Thread(this::watch, "libvirt-watch");

  /** Guarded by this. */
  private Connection connection;

  /** The one that is being opened, or null. Guarded by this. */
  private CompletableFuture<Connection> connecting;

  /** What hears of the connection. Guarded by this. */
  private Events events;

  /**
   * There was a time without a connection, in which events may have been missed. Guarded by this.
   */
  private boolean missed;

  private volatile boolean closed;

  private Hypervisor(Settings settings) {
    this.settings = settings;
    this.folders = Folders.of(settings.libvirtUri());
    watcher.setDaemon(true);
  }

  /**
   * Does not wait for libvirt: the first call connects.
   *
   * @throws NepheleException when libvirt's library is not installed
   */
  public static Hypervisor open(Settings settings) throws NepheleException {
    Connection.initialize();
    Hypervisor hypervisor = new Hypervisor(settings);
    hypervisor.watcher.start();
    return hypervisor;
  }

  public Settings settings() {
    return settings;
  }

  Folders folders() {
    return folders;
  }

  /** What is done on a connection. */
  @FunctionalInterface
  interface Call<T> {
    T on(Connection connection) throws LibvirtException, NepheleException;
  }

  /** What is done to a domain. */
  @FunctionalInterface
  interface DomainCall<T> {
    T on(Domain domain) throws LibvirtException, NepheleException;
  }

  /**
   * @param failing the beginning of the error's sentence, such as "The VM x can't be paused"
   */
  <T> T call(String failing, Call<T> call) throws NepheleException {
    Connection current = connection();
    try {
      return call.on(current);
    } catch (LibvirtException e) {
      throw explain(failing, e);
    } finally {
      // libvirt-java closes a connection that is garbage, even in the middle of a native call.
      Reference.reachabilityFence(current);
    }
  }

  /**
   * @throws NepheleException {@code NOT_FOUND} when the domain is not there
   */
  <T> T call(UUID uuid, String failing, DomainCall<T> call) throws NepheleException {
    return call(
        failing,
        current -> {
          Domain domain = current.domainLookupByUUID(uuid);
          try {
            return call.on(domain);
          } finally {
            // Also keeps it from being freed by the garbage collector while a call blocks.
            domain.free();
          }
        });
  }

  static NepheleException explain(String failing, LibvirtException e) {
    ErrorNumber code = e.getError().getCode();
    if (code == ErrorNumber.VIR_ERR_NO_DOMAIN) {
      return new NepheleException(ErrorKind.NOT_FOUND, failing + ": it is not there any more.", e);
    }
    return new NepheleException(ErrorKind.FAILED, failing + ": " + message(e), e);
  }

  static String message(LibvirtException e) {
    String message = e.getError().getMessage();
    return message == null ? "libvirt gives no reason" : message;
  }

  /** Waits for a new connection for a while, with no lock held. */
  private Connection connection() throws NepheleException {
    CompletableFuture<Connection> opening;
    synchronized (this) {
      requireOpen();
      if (connection != null && connection.alive()) {
        return connection;
      }
      if (connecting == null) {
        connecting = new CompletableFuture<>();
        Thread thread = new Thread(this::connect, "libvirt-open");
        thread.setDaemon(true);
        thread.start();
      }
      opening = connecting;
    }
    try {
      return opening.get(OPEN_MS, TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw new NepheleException(
          ErrorKind.FAILED,
          "libvirt at "
              + settings.libvirtUri()
              + " does not answer; if libvirtd hangs, 'systemctl restart libvirtd' leaves VMs alone.",
          e);
    } catch (ExecutionException e) {
      throw new NepheleException(ErrorKind.FAILED, e.getCause().getMessage(), e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new NepheleException(ErrorKind.CANCELLED, "Interrupted.", e);
    }
  }

  private void requireOpen() throws NepheleException {
    if (closed) {
      throw new NepheleException(ErrorKind.FAILED, "The agent is shutting down.");
    }
  }

  /**
   * In a thread of its own, of which there is one at a time: a libvirtd that hangs accepts a
   * connection and never answers, and libvirt's library waits for it without a limit.
   */
  private void connect() {
    Opened fresh = null;
    Exception failure = null;
    try {
      fresh = open();
    } catch (NepheleException | RuntimeException e) {
      failure = e;
    }
    CompletableFuture<Connection> opening;
    synchronized (this) {
      opening = connecting;
      connecting = null;
      missed |= connection != null || fresh == null;
      closeConnection();
      if (fresh != null) {
        connection = fresh.connection();
        events = fresh.events();
        if (closed) {
          closeConnection();
          failure = new IllegalStateException("The agent is shutting down.");
        } else if (missed) {
          missed = false;
          LOG.info("connected to libvirt again");
          dispatch(new VmEvent.Reconnected());
        }
      }
    }
    if (failure != null) {
      opening.completeExceptionally(failure);
    } else {
      opening.complete(fresh.connection());
    }
  }

  /** A connection, and what hears of it. */
  private record Opened(Connection connection, Events events) {}

  private Opened open() throws NepheleException {
    long deadline = System.nanoTime() + CONNECT_MS * 1_000_000;
    while (true) {
      try {
        Connection fresh = Connection.open(settings.libvirtUri());
        try {
          fresh.setKeepAlive(KEEPALIVE_SECONDS, KEEPALIVE_COUNT);
        } catch (LibvirtException e) {
          LOG.debug("no keepalive on {}: {}", settings.libvirtUri(), message(e));
        }
        Events hearing = new Events(this::dispatch);
        fresh.addLifecycleListener(hearing);
        return new Opened(fresh, hearing);
      } catch (LibvirtException e) {
        if (closed || System.nanoTime() > deadline) {
          throw new NepheleException(
              ErrorKind.FAILED,
              "libvirt can't be reached at " + settings.libvirtUri() + ": " + message(e),
              e);
        }
        pause(200);
      }
    }
  }

  private void closeConnection() {
    if (connection == null) {
      return;
    }
    try {
      // First, since libvirt-java stumbles over an event that comes after the close.
      connection.removeLifecycleListener(events);
    } catch (LibvirtException e) {
      LOG.debug("listening on a broken connection: {}", message(e));
    }
    try {
      connection.close();
    } catch (LibvirtException e) {
      LOG.debug("closing a broken connection: {}", message(e));
    }
    connection = null;
  }

  /** Connects again without waiting for a call, so that listeners miss as little as possible. */
  private void watch() {
    boolean complained = false;
    while (!closed) {
      pause(1000);
      boolean broken;
      synchronized (this) {
        boolean wanted = connection != null || !listeners.isEmpty();
        broken = wanted && (connection == null || !connection.alive());
      }
      if (broken) {
        try {
          connection();
          complained = false;
        } catch (NepheleException e) {
          if (!complained && !closed) {
            LOG.warn("{}", e.getMessage());
          }
          complained = true;
        }
      }
    }
  }

  static void pause(long ms) {
    try {
      Thread.sleep(ms);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void dispatch(VmEvent event) {
    if (closed) {
      return;
    }
    dispatcher.execute(
        () -> {
          for (Consumer<VmEvent> listener : listeners) {
            try {
              listener.accept(event);
            } catch (RuntimeException e) {
              LOG.error("a listener failed on {}", event, e);
            }
          }
        });
  }

  /** The domains that carry our mark, running or paused, in no order. */
  public List<Vm> list() throws NepheleException {
    return call(
        "The VMs can't be listed",
        current -> {
          List<Vm> vms = new ArrayList<>();
          for (Domain domain : current.listAllDomains(LIST_ACTIVE)) {
            try {
              UUID uuid = UUID.fromString(domain.getUUIDString());
              if (marked(domain)) {
                vms.add(new Vm(this, uuid));
              }
            } finally {
              domain.free();
            }
          }
          return vms;
        });
  }

  /** The domain with that UUID if it is there and carries our mark. */
  public Optional<Vm> find(UUID uuid) throws NepheleException {
    try {
      boolean ours = call(uuid, "The VM " + uuid + " can't be looked up", Hypervisor::marked);
      return ours ? Optional.of(new Vm(this, uuid)) : Optional.empty();
    } catch (NepheleException e) {
      if (e.kind() == ErrorKind.NOT_FOUND) {
        return Optional.empty();
      }
      throw e;
    }
  }

  private static boolean marked(Domain domain) throws LibvirtException {
    try {
      return !domain.getMetadata(METADATA_ELEMENT, Mark.NAMESPACE, 0).isEmpty();
    } catch (LibvirtException e) {
      ErrorNumber code = e.getError().getCode();
      if (code == ErrorNumber.VIR_ERR_NO_DOMAIN_METADATA || code == ErrorNumber.VIR_ERR_NO_DOMAIN) {
        return false;
      }
      throw e;
    }
  }

  /**
   * Starts a transient domain.
   *
   * @param paused its CPUs don't run until {@link Vm#resume}
   * @throws NepheleException with libvirt's message when it can't be started; nothing is left then
   */
  public Vm start(DomainXml xml, boolean paused) throws NepheleException {
    UUID uuid = xml.uuid();
    return call(
        "The VM '" + xml.title() + "' can't be started",
        current -> {
          current.domainCreateXML(xml.toString(), paused ? START_PAUSED : 0).free();
          return new Vm(this, uuid);
        });
  }

  /** Closing it ends the listening. */
  @FunctionalInterface
  public interface Subscription extends AutoCloseable {
    @Override
    void close();
  }

  /**
   * Calls the listener for every event from now on, one at a time, in order, in a thread of its
   * own; it may call libvirt. While libvirt can't be reached there are none, and then {@link
   * VmEvent.Reconnected}.
   *
   * @return closes the listener
   */
  public Subscription listen(Consumer<VmEvent> listener) {
    listeners.add(listener);
    try {
      connection(); // events come over a connection
    } catch (NepheleException e) {
      LOG.warn("{}", e.getMessage()); // and the watcher tries on
    }
    return () -> listeners.remove(listener);
  }

  /** Versions, machine types and what the accelerator can do, asked of libvirt each time. */
  public Capabilities capabilities() throws NepheleException {
    return call("The node's capabilities can't be read", c -> Capabilities.of(c, settings));
  }

  /**
   * The named CPU models that a guest can have here.
   *
   * @param accelerator KVM or TCG
   */
  public Set<String> cpuModels(Accelerator accelerator) throws NepheleException {
    return call(
        "The node's CPU models can't be read",
        c -> Capabilities.cpuModels(c, settings, accelerator));
  }

  @Override
  public void close() {
    closed = true;
    watcher.interrupt();
    synchronized (this) {
      closeConnection();
    }
    dispatcher.shutdown();
  }
}
