package org.nephele.server.operation;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.BooleanSupplier;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the body of an operation has in hand: it reports progress to it, and learns from it that
 * somebody wants it to stop. Thread-safe.
 */
public final class Work {
  private static final Logger log = LoggerFactory.getLogger(Work.class);

  private final Object monitor = new Object();
  private final Deque<Runnable> cancelHooks = new ArrayDeque<>();
  private volatile Api.Progress progress = new Api.Progress("starting", 0, 0, "", null);
  private boolean cancelled;
  private boolean tooLate;

  /** The work itself. Its result is written to JSON as the protocol says. */
  @FunctionalInterface
  public interface Body {
    Object run(Work work) throws NepheleException, IOException;
  }

  /** Closing takes a hook back. */
  @FunctionalInterface
  public interface Registration extends AutoCloseable {
    @Override
    void close();
  }

  /** Something that has no number: {@code phase} is one word or two. */
  public void phase(String phase) {
    phase(phase, null);
  }

  /**
   * @param message a sentence for the person who waits, for example what to do so that the
   *     operation goes on
   */
  public void phase(String phase, String message) {
    progress = new Api.Progress(phase, 0, 0, "", message);
    wake();
  }

  /**
   * @param total 0 when it can't be known
   */
  public void progress(String phase, long done, long total, String unit) {
    progress = new Api.Progress(phase, done, total, unit, null);
  }

  public Api.Progress progress() {
    return progress;
  }

  public boolean isCancelled() {
    synchronized (monitor) {
      return cancelled && !tooLate;
    }
  }

  /** What is done can't be taken back any more: how it ends is not a matter of cancelling. */
  public void tooLateToCancel() {
    synchronized (monitor) {
      tooLate = true;
    }
  }

  /**
   * @throws NepheleException of kind CANCELLED when somebody cancelled the operation
   */
  public void checkCancelled() throws NepheleException {
    if (isCancelled()) {
      throw new NepheleException(ErrorKind.CANCELLED, "The operation was cancelled.");
    }
  }

  /**
   * Runs the hook when the operation is cancelled, on the canceller's thread; at once when it
   * already was. For closing what the body is blocked on.
   */
  public Registration onCancel(Runnable hook) {
    boolean now;
    synchronized (monitor) {
      now = cancelled;
      if (!now) {
        cancelHooks.push(hook);
      }
    }
    if (now) {
      hook.run();
    }
    return () -> {
      synchronized (monitor) {
        cancelHooks.remove(hook);
      }
    };
  }

  /**
   * Waits until the condition holds, which is looked at whenever somebody calls {@link #wake}, and
   * every 200 ms.
   *
   * @return whether it holds; false after the timeout
   * @throws NepheleException of kind CANCELLED
   */
  public boolean await(Duration timeout, BooleanSupplier condition) throws NepheleException {
    long end = System.nanoTime() + timeout.toNanos();
    while (true) {
      checkCancelled();
      if (condition.getAsBoolean()) {
        return true;
      }
      long left = end - System.nanoTime();
      if (left <= 0) {
        return false;
      }
      synchronized (monitor) {
        if (!cancelled) {
          try {
            monitor.wait(Math.max(1, Math.min(200, left / 1_000_000)));
          } catch (InterruptedException e) {
            throw new NepheleException(ErrorKind.FAILED, "The agent is being stopped.", e);
          }
        }
      }
    }
  }

  /** Something happened that {@link #await} may wait for. */
  public void wake() {
    synchronized (monitor) {
      monitor.notifyAll();
    }
  }

  void cancel() {
    Deque<Runnable> hooks;
    synchronized (monitor) {
      if (cancelled) {
        return;
      }
      cancelled = true;
      hooks = new ArrayDeque<>(cancelHooks);
      monitor.notifyAll();
    }
    for (Runnable hook : hooks) {
      try {
        hook.run();
      } catch (RuntimeException e) {
        log.warn("A cancel hook failed", e);
      }
    }
  }
}
