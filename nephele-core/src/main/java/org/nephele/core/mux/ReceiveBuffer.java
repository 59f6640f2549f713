package org.nephele.core.mux;

import java.io.DataInputStream;
import java.io.IOException;

/**
 * What a stream has received and nobody has read: a ring of exactly the credit that the other side
 * has, so that one byte a frame costs no more memory than full frames. The session's reader fills
 * it straight from the link, one thread empties it.
 */
final class ReceiveBuffer {
  private final int capacity;
  private byte[] ring;
  private int start;
  private int size;
  private boolean ended;
  private IOException failure;

  ReceiveBuffer(int capacity) {
    this.capacity = capacity;
  }

  /**
   * Takes a frame's payload from the link. Only the session's reader calls it; it waits for the
   * link, never for whoever reads the stream.
   *
   * @throws ProtocolException when there is no room, which the other side knew
   */
  void fill(DataInputStream link, int length) throws IOException {
    int at;
    synchronized (this) {
      if (ended) {
        throw new ProtocolException("data after the end of a stream");
      }
      if (length > capacity - size) {
        throw new ProtocolException("more data on a stream than its credit");
      }
      if (ring == null) {
        ring = new byte[capacity];
      }
      at = (start + size) % capacity;
    }
    // The free part belongs to this thread alone until it is counted in.
    int first = Math.min(length, capacity - at);
    link.readFully(ring, at, first);
    link.readFully(ring, 0, length - first);
    synchronized (this) {
      size += length;
      notifyAll();
    }
  }

  synchronized void end() {
    ended = true;
    notifyAll();
  }

  /** Wakes the reader with an error once it has read what came before. */
  synchronized void fail(IOException why) {
    if (failure == null) {
      failure = why;
    }
    notifyAll();
  }

  synchronized boolean ended() {
    return ended;
  }

  /** Nothing more will come, and all was read. */
  synchronized boolean atEnd() {
    return ended && size == 0;
  }

  /** Blocks for at least one byte; −1 at the end. */
  synchronized int read(byte[] bytes, int offset, int length) throws IOException {
    while (size == 0) {
      if (failure != null) {
        throw failure;
      }
      if (ended) {
        ring = null;
        return -1;
      }
      try {
        wait();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new SessionClosedException("The agent is being stopped.");
      }
    }
    int n = Math.min(Math.min(length, size), capacity - start);
    System.arraycopy(ring, start, bytes, offset, n);
    start = (start + n) % capacity;
    size -= n;
    return n;
  }

  synchronized int available() {
    return size;
  }
}
