package org.nephele.server.handoff;

import java.util.ArrayDeque;
import java.util.Deque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Does what it is given in that order, on a thread that is there while something is to be done.
 * Thread-safe; nothing here blocks.
 */
final class InOrder {
  private static final Logger log = LoggerFactory.getLogger(InOrder.class);

  private final String name;
  private final int most;
  private final Deque<Runnable> waiting = new ArrayDeque<>();
  private boolean working;
  private boolean closed;

  /**
   * @param most tasks that may wait
   */
  InOrder(String name, int most) {
    this.name = name;
    this.most = most;
  }

  /** Returns false when too many wait, or the last one was given already. */
  synchronized boolean offer(Runnable task) {
    if (closed || waiting.size() >= most) {
      return false;
    }
    add(task);
    return true;
  }

  /** Takes one more, whatever waits, and none after it. */
  synchronized void last(Runnable task) {
    if (!closed) {
      closed = true;
      add(task);
    }
  }

  private void add(Runnable task) {
    waiting.addLast(task);
    if (!working) {
      working = true;
      Thread thread = new Thread(this::work, name);
      thread.setDaemon(true);
      thread.start();
    }
  }

  private void work() {
    for (Runnable task = next(); task != null; task = next()) {
      try {
        task.run();
      } catch (RuntimeException e) {
        log.error("{} failed", name, e);
      }
    }
  }

  private synchronized Runnable next() {
    Runnable task = waiting.pollFirst();
    working = task != null;
    return task;
  }
}
