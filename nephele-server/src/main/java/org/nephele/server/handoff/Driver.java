package org.nephele.server.handoff;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingDeque;
import java.util.concurrent.TimeUnit;
import org.nephele.core.handoff.IllegalEventException;
import org.nephele.core.handoff.Step;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs one side's step function: takes events one at a time, and carries out what follows, all on
 * one thread of its own. Events may be posted from anywhere.
 *
 * @param <S> states
 * @param <E> events
 * @param <A> actions
 */
abstract class Driver<S, E, A> {
  private static final Logger log = LoggerFactory.getLogger(Driver.class);
  private static final long TICK_MS = 500;

  /** Nobody floods it: every event is one message, or one end of something we started. */
  private static final int MOST_EVENTS = 1000;

  private final String name;
  private final LinkedBlockingDeque<E> events = new LinkedBlockingDeque<>(MOST_EVENTS);
  private final CountDownLatch over = new CountDownLatch(1);
  private volatile S state;
  private volatile long changedAt = System.nanoTime();

  Driver(String name, S state) {
    this.name = name;
    this.state = state;
  }

  /** What an event makes of a state; throws IllegalEventException. */
  abstract Step<S, A> step(S state, E event);

  abstract boolean ended(S state);

  /** Does it, and posts what came of it. Must not throw. */
  abstract void carryOut(A action);

  /** Every half second, for what takes too long. */
  void tick() {}

  /** Called on the driver's thread when no more events are taken. */
  void over() {}

  final S state() {
    return state;
  }

  /** How long it has been in this state, ms. */
  final long sinceChangeMs() {
    return (System.nanoTime() - changedAt) / 1_000_000;
  }

  /** Waits until nothing more will be done, for so many ms at most; returns whether it is so. */
  final boolean awaitOver(long ms) throws InterruptedException {
    return over.await(ms, TimeUnit.MILLISECONDS);
  }

  /** From any thread. */
  final void post(E event) {
    if (!events.offerLast(event)) {
      log.error("{}: too many events, {} was dropped", name, event);
    }
  }

  /** From {@link #carryOut}: what comes of an action is looked at before anything else. */
  final void postFirst(E event) {
    if (!events.offerFirst(event)) {
      log.error("{}: too many events, {} was dropped", name, event);
    }
  }

  final void startThread() {
    Thread thread = new Thread(this::run, name);
    thread.setDaemon(true);
    thread.start();
  }

  /** Begins with a step that no event caused, such as what a journal says. */
  final void begin(Step<S, A> step) {
    take(step, "the start");
  }

  final void run() {
    try {
      while (!ended(state)) {
        E event = events.poll(TICK_MS, TimeUnit.MILLISECONDS);
        if (event != null) {
          on(event);
        }
        tick();
      }
    } catch (InterruptedException e) {
      log.warn("{} was interrupted in {}", name, state);
    } catch (RuntimeException e) {
      log.error("{} failed in {}", name, state, e);
    } finally {
      try {
        over();
      } finally {
        over.countDown();
      }
    }
  }

  private void on(E event) {
    Step<S, A> step;
    try {
      step = step(state, event);
    } catch (IllegalEventException e) {
      log.error("{}: {}", name, e.getMessage());
      illegal(event);
      return;
    }
    take(step, event);
  }

  /** An event that can't be was left out; the log has it. */
  void illegal(E event) {}

  private void take(Step<S, A> step, Object because) {
    if (!step.next().equals(state)) {
      changedAt = System.nanoTime();
    }
    log.info("{}: {} -> {} {}", name, because, step.next(), step.actions());
    state = step.next();
    for (A action : step.actions()) {
      carryOut(action);
    }
  }
}
