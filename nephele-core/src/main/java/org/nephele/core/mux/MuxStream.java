package org.nephele.core.mux;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/**
 * One stream of a session. One thread may read while another writes. Closing the output says that
 * no more will come, and the other direction goes on; closing the input before its end resets the
 * stream, since nobody wants what still comes.
 */
public final class MuxStream {
  /**
   * The most that goes into one frame, bytes: what waits behind it waits 21 ms at 25 Mbit/s. With
   * its head it fills two SSH packets.
   */
  static final int CHUNK = (64 << 10) - Frame.HEAD;

  private final MuxSession session;
  private final int number;
  private final String kind;
  private final ReceiveBuffer received = new ReceiveBuffer(MuxSession.WINDOW);
  private final Object sending = new Object();

  /** Bytes that may still be sent; guarded by {@link #sending}, like the two that follow. */
  private int credit = MuxSession.WINDOW;

  private boolean endSent;
  private IOException failure;

  /** Read by the consumer and not yet given back as credit; the reading thread's own. */
  private int consumed;

  MuxStream(MuxSession session, int number, String kind) {
    this.session = session;
    this.number = number;
    this.kind = kind;
  }

  public int number() {
    return number;
  }

  /** What the stream carries, as the side that opened it said. */
  public String kind() {
    return kind;
  }

  /**
   * Ends both directions at once, on both sides.
   *
   * @param reason a sentence for the other side
   */
  public void reset(String reason) {
    if (fail(new SessionClosedException("The stream '" + kind + "' was given up: " + reason))) {
      session.sendReset(number, reason);
    }
  }

  /** Everything the other side sends; unbuffered. */
  public InputStream input() {
    return new InputStream() {
      private final byte[] one = new byte[1];

      @Override
      public int read() throws IOException {
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
      }

      @Override
      public int read(byte[] bytes, int offset, int length) throws IOException {
        return length == 0 ? 0 : receive(bytes, offset, length);
      }

      @Override
      public int available() {
        return received.available();
      }

      @Override
      public void close() {
        if (!received.atEnd()) {
          MuxStream.this.reset("nobody reads it any more");
        }
      }
    };
  }

  /** To the other side; every write goes out at once. */
  public OutputStream output() {
    return new OutputStream() {
      @Override
      public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
      }

      @Override
      public void write(byte[] bytes, int offset, int length) throws IOException {
        send(bytes, offset, length);
      }

      @Override
      public void close() throws IOException {
        sendEnd();
      }
    };
  }

  private int receive(byte[] bytes, int offset, int length) throws IOException {
    int n = received.read(bytes, offset, length);
    if (n > 0) {
      consumed += n;
      // A quarter of the window at a time: few frames, and the sender seldom runs dry.
      if (consumed >= MuxSession.WINDOW / 4) {
        int back = consumed;
        consumed = 0;
        session.sendCredit(number, back);
      }
    }
    return n;
  }

  private void send(byte[] bytes, int offset, int length) throws IOException {
    int sent = 0;
    while (sent < length) {
      int n;
      synchronized (sending) {
        while (credit == 0 && failure == null && !endSent) {
          try {
            sending.wait();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new SessionClosedException("The agent is being stopped.");
          }
        }
        if (failure != null) {
          throw failure;
        }
        if (endSent) {
          throw new IOException("The stream '" + kind + "' was closed for writing.");
        }
        n = Math.min(Math.min(length - sent, CHUNK), credit);
        credit -= n;
      }
      session.sendData(number, bytes, offset + sent, n);
      sent += n;
    }
  }

  private void sendEnd() throws IOException {
    synchronized (sending) {
      if (endSent || failure != null) {
        return;
      }
      endSent = true;
      sending.notifyAll();
    }
    session.sendEnd(number);
    forgetWhenDone();
  }

  // What follows is called by the session's reader.

  void fill(DataInputStream link, int length) throws IOException {
    received.fill(link, length);
  }

  void ended() {
    received.end();
    forgetWhenDone();
  }

  private void forgetWhenDone() {
    boolean sent;
    synchronized (sending) {
      sent = endSent;
    }
    if (sent && received.ended()) {
      session.forget(number);
    }
  }

  void addCredit(int more) throws ProtocolException {
    synchronized (sending) {
      if (more <= 0 || more > MuxSession.WINDOW - credit) {
        throw new ProtocolException("a credit of " + Integer.toUnsignedString(more) + " bytes");
      }
      credit += more;
      sending.notifyAll();
    }
  }

  void wasReset(byte[] reason) {
    String text =
        new String(reason, 0, Math.min(reason.length, 1000), StandardCharsets.UTF_8)
            .replaceAll("\\p{Cntrl}", "?");
    fail(new SessionClosedException("The other agent gave up the stream '" + kind + "': " + text));
  }

  /** Returns whether this was the first failure. */
  boolean fail(IOException why) {
    synchronized (sending) {
      if (failure != null) {
        return false;
      }
      failure = why;
      sending.notifyAll();
    }
    received.fail(why);
    return true;
  }
}
