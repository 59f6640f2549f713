package org.nephele.core.ssh;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.util.ArrayDeque;

/**
 * What has arrived on a channel and is not read yet. The network thread adds and never waits; how
 * much may be here is bounded by the SSH window, which only {@link Consumer} opens again. MINA's
 * own pipe keeps one array and moves all of it down at each read, which with windows of many MB
 * costs more than the encryption.
 */
final class Inbox extends InputStream {
  /** Told how many bytes were read, to let the other side send as many more. */
  interface Consumer {
    void consumed(int bytes) throws IOException;
  }

  private final Consumer consumer;
  private final ArrayDeque<byte[]> chunks = new ArrayDeque<>();
  private int position; // in the first chunk
  private long buffered;
  private boolean ended;
  private IOException failure;

  Inbox(Consumer consumer) {
    this.consumer = consumer;
  }

  synchronized void add(byte[] chunk) {
    if (failure == null && !ended && chunk.length > 0) {
      chunks.add(chunk);
      buffered += chunk.length;
      notifyAll();
    }
  }

  /** The other side has said that nothing more comes. */
  synchronized void end() {
    ended = true;
    notifyAll();
  }

  /**
   * Nothing more can come. What has arrived is still read; then {@code why} is thrown, unless the
   * other side had ended its stream before.
   */
  synchronized void fail(IOException why) {
    if (!ended && failure == null) {
      failure = why;
      notifyAll();
    }
  }

  /** This side wants no more: what has arrived is dropped, and readers get {@code why}. */
  synchronized void drop(IOException why) {
    ended = false;
    failure = why;
    chunks.clear();
    position = 0;
    buffered = 0;
    notifyAll();
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    int done = 0;
    synchronized (this) {
      while (chunks.isEmpty()) {
        if (ended) {
          return -1;
        }
        if (failure != null) {
          throw new IOException(failure.getMessage(), failure);
        }
        try {
          wait();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new InterruptedIOException("interrupted while waiting for data");
        }
      }
      while (done < length && !chunks.isEmpty()) {
        byte[] first = chunks.peek();
        int n = Math.min(length - done, first.length - position);
        System.arraycopy(first, position, target, offset + done, n);
        done += n;
        position += n;
        if (position == first.length) {
          chunks.remove();
          position = 0;
        }
      }
      buffered -= done;
    }
    consumer.consumed(done);
    return done;
  }

  @Override
  public synchronized int available() {
    return (int) Math.min(buffered, Integer.MAX_VALUE);
  }
}
