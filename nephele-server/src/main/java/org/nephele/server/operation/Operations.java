package org.nephele.server.operation;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.JsonLines;
import org.nephele.core.protocol.NepheleException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** All operations of this agent: the running ones, and the last hundred that ended. Thread-safe. */
public final class Operations {
  private static final Logger log = LoggerFactory.getLogger(Operations.class);
  private static final int MOST_RUNNING = 64;
  private static final int MOST_ENDED = 100;
  private static final long REPEAT_NANOS = 10_000_000_000L;

  private final Map<String, Entry> entries = new LinkedHashMap<>();
  private final SecureRandom random = new SecureRandom();

  /** Watches an operation; see {@link #watch}. */
  @FunctionalInterface
  public interface Watcher {
    /**
     * Called at most five times a second, when something changed. An exception ends the watching,
     * not the operation.
     */
    void progressed(Api.Operation operation) throws IOException;
  }

  private static final class Entry {
    final String id;
    final String kind;
    final String target;
    final Work work = new Work();
    final Instant started = Instant.now();
    String state = "running";
    Instant ended;
    JsonNode result;
    Api.OperationError error;

    Entry(String id, String kind, String target) {
      this.id = id;
      this.kind = kind;
      this.target = target;
    }

    synchronized boolean running() {
      return ended == null;
    }

    synchronized Api.Operation view() {
      return new Api.Operation(
          id,
          kind,
          target,
          state,
          time(started),
          ended == null ? null : time(ended),
          work.progress(),
          result,
          error);
    }

    synchronized void end(String state, JsonNode result, Api.OperationError error) {
      this.state = state;
      this.result = result;
      this.error = error;
      this.ended = Instant.now();
      notifyAll();
    }
  }

  /** A time as the protocol has it: RFC 3339 in UTC, to the millisecond. */
  public static String time(Instant instant) {
    return instant.truncatedTo(ChronoUnit.MILLIS).toString();
  }

  /**
   * Starts the body on a thread of its own.
   *
   * @return the operation's id
   * @throws NepheleException of kind BUSY when too many run already
   */
  public String start(String kind, String target, Work.Body body) throws NepheleException {
    Entry entry;
    synchronized (entries) {
      if (entries.values().stream().filter(Entry::running).count() >= MOST_RUNNING) {
        throw new NepheleException(
            ErrorKind.BUSY,
            MOST_RUNNING + " operations are running on this node already; nothing was started.");
      }
      entry = new Entry(HexFormat.of().toHexDigits(random.nextInt()), kind, target);
      entries.put(entry.id, entry);
      forgetOldest();
    }
    log.info("operation {} started: {} {}", entry.id, kind, target);
    Thread thread = new Thread(() -> run(entry, body), kind + " " + entry.id);
    thread.setDaemon(true);
    thread.start();
    return entry.id;
  }

  private void run(Entry entry, Work.Body body) {
    try {
      JsonNode result = JsonLines.json().valueToTree(body.run(entry.work));
      entry.end("done", result, null);
      log.info("operation {} done: {} {}", entry.id, entry.kind, entry.target);
    } catch (NepheleException e) {
      boolean cancelled = e.kind() == ErrorKind.CANCELLED || entry.work.isCancelled();
      ErrorKind kind = cancelled ? ErrorKind.CANCELLED : e.kind();
      entry.end(
          cancelled ? "cancelled" : "failed",
          null,
          new Api.OperationError(kind.rpcCode(), e.getMessage()));
      log.info(
          "operation {} {}: {} {}: {}",
          entry.id,
          cancelled ? "cancelled" : "failed",
          entry.kind,
          entry.target,
          e.getMessage(),
          e.getCause());
    } catch (IOException | RuntimeException | Error e) {
      boolean cancelled = entry.work.isCancelled();
      ErrorKind kind = cancelled ? ErrorKind.CANCELLED : ErrorKind.FAILED;
      String message =
          cancelled ? "The operation was cancelled." : entry.kind + " failed: " + sentence(e);
      entry.end(
          cancelled ? "cancelled" : "failed",
          null,
          new Api.OperationError(kind.rpcCode(), message));
      log.error(
          "operation {} {}: {} {}",
          entry.id,
          cancelled ? "cancelled" : "failed",
          entry.kind,
          entry.target,
          e);
    }
  }

  private static String sentence(Throwable e) {
    String text = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    return e instanceof IOException
        ? text
        : e.getClass().getSimpleName()
            + ": "
            + text
            + " (the node's /var/nephele/nephele.log has more)";
  }

  private void forgetOldest() {
    List<String> ended = new ArrayList<>();
    entries.forEach(
        (id, entry) -> {
          if (!entry.running()) {
            ended.add(id);
          }
        });
    ended.stream().limit(Math.max(0, ended.size() - MOST_ENDED)).forEach(entries::remove);
  }

  public List<Api.Operation> list() {
    synchronized (entries) {
      return entries.values().stream().map(Entry::view).toList();
    }
  }

  /**
   * Reports progress to the watcher until the operation has ended.
   *
   * @return the operation as it ended
   * @throws IOException what the watcher threw
   */
  public Api.Operation watch(String id, Watcher watcher) throws NepheleException, IOException {
    Entry entry = find(id);
    Api.Progress last = null;
    long lastSent = 0;
    while (true) {
      Api.Operation now = entry.view();
      if (now.ended() != null) {
        return now;
      }
      // Said again when nothing changes: writing is how we learn that a watcher has left.
      if (!now.progress().equals(last) || System.nanoTime() - lastSent > REPEAT_NANOS) {
        last = now.progress();
        lastSent = System.nanoTime();
        watcher.progressed(now);
      }
      synchronized (entry) {
        if (entry.running()) {
          try {
            entry.wait(200);
          } catch (InterruptedException e) {
            throw new NepheleException(ErrorKind.FAILED, "The agent is being stopped.", e);
          }
        }
      }
    }
  }

  /**
   * Asks an operation to stop, and returns what it is then; it may take a while to end. One that
   * has ended stays as it is.
   */
  public Api.Operation cancel(String id) throws NepheleException {
    Entry entry = find(id);
    if (entry.running()) {
      log.info("operation {} is being cancelled", id);
      entry.work.cancel();
    }
    return entry.view();
  }

  private Entry find(String id) throws NepheleException {
    synchronized (entries) {
      Entry entry = entries.get(id);
      if (entry == null) {
        throw new NepheleException(
            ErrorKind.NOT_FOUND,
            "There is no operation '"
                + id
                + "' on this node (ended ones are forgotten after a while).");
      }
      return entry;
    }
  }
}
