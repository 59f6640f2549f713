package org.nephele.core.mux;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A session over a {@link Link}: streams with credit, control messages, and a heartbeat. The
 * package's description is the specification. Thread-safe. It has two threads of its own, one that
 * reads the link and one that watches the heartbeat; both end with the session.
 */
public final class MuxSession implements AutoCloseable {
  /** The version of the session and of the messages on it. */
  public static final int PROTOCOL = 1;

  /** The credit that a stream starts with in each direction, bytes. */
  public static final int WINDOW = 1 << 20;

  /** Streams that may be open at a time. */
  public static final int MAX_STREAMS = 32;

  private static final byte[] MAGIC = "NEPHPEER".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] NOTHING = {};
  private static final ObjectMapper JSON =
      JsonMapper.builder().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES).build();

  private final Link link;
  private final boolean initiator;
  private final Timing timing;
  private final Listener listener;
  private final DataInputStream in;

  /** Fair, so that a heartbeat or a credit waits for one frame of each stream at most. */
  private final ReentrantLock writing = new ReentrantLock(true);

  private final Map<Integer, MuxStream> streams = new HashMap<>();
  private int lastNumber;
  private String closedBecause;
  private volatile long lastReceived;
  private volatile long lastSent;
  private volatile long bytesSent;
  private volatile long bytesReceived;

  /**
   * @param beat how often a side says that it is there
   * @param dead how long a silence means that the other side, or the way to it, is gone
   */
  public record Timing(Duration beat, Duration dead) {
    public static final Timing NORMAL = new Timing(Duration.ofSeconds(5), Duration.ofSeconds(30));
  }

  /** What the other side does. Called by the session's reader, so it must not block. */
  public interface Listener {
    /** A control message, in order. An exception ends the session. */
    void control(byte[] message) throws IOException;

    /**
     * The other side opened a stream, which only the side that made the connection does. An
     * exception resets the stream with its message.
     */
    void opened(MuxStream stream) throws IOException;

    /**
     * The session is over, for whatever reason. Called exactly once, before streams fail.
     *
     * @param reason a sentence
     */
    void closed(String reason);
  }

  private MuxSession(Link link, boolean initiator, Timing timing, Listener listener) {
    this.link = link;
    this.initiator = initiator;
    this.timing = timing;
    this.listener = listener;
    this.in = new DataInputStream(new BufferedInputStream(link.in(), 16 << 10));
  }

  /**
   * Greets the other side over a fresh link. Returns when both have said hello; {@link #start} must
   * follow.
   *
   * @param initiator whether this side made the connection
   * @throws IOException when nobody answers in time, or it is no agent or another version; the link
   *     is closed then
   */
  public static Greeted greet(
      Link link, boolean initiator, Hello mine, Timing timing, Listener listener)
      throws IOException {
    MuxSession session = new MuxSession(link, initiator, timing, listener);
    session.lastReceived = System.nanoTime();
    Thread watch = session.thread("watch", session::watch);
    watch.start();
    try {
      return new Greeted(session, session.exchange(mine));
    } catch (IOException e) {
      String known = session.closedBecause();
      String why = known != null ? known : sentence(e);
      session.shut(why, false);
      throw known == null ? e : new SessionClosedException(known);
    }
  }

  /** A session whose other side has said who it is. */
  public record Greeted(MuxSession session, Hello other) {}

  /** Starts to read. Before this nothing is delivered. */
  public void start() {
    thread("read", this::readAll).start();
  }

  private Thread thread(String what, Runnable body) {
    Thread thread = new Thread(body, "peer " + what);
    thread.setDaemon(true);
    return thread;
  }

  private Hello exchange(Hello mine) throws IOException {
    byte[] hello = JSON.writeValueAsBytes(mine);
    writing.lock();
    try {
      link.out().write(MAGIC);
      Frame.write(link.out(), Frame.Type.HELLO, 0, hello, 0, hello.length);
      link.out().flush();
      lastSent = System.nanoTime();
    } finally {
      writing.unlock();
    }
    byte[] magic = in.readNBytes(MAGIC.length);
    if (!Arrays.equals(magic, MAGIC)) {
      String text = new String(magic, StandardCharsets.US_ASCII).replaceAll("[^ -~]", "?");
      throw magic.length == 0
          ? new EOFException("the connection was closed at once")
          : new IOException("what answers there is no agent of ours: it says '" + text + "…'");
    }
    Frame frame = Frame.read(in);
    if (frame.type() == Frame.Type.BYE) {
      throw new IOException(text(in.readNBytes(frame.length())));
    }
    if (frame.type() != Frame.Type.HELLO) {
      throw new ProtocolException("a " + frame.type() + " frame before HELLO");
    }
    Hello theirs = JSON.readValue(in.readNBytes(frame.length()), Hello.class);
    if (theirs == null || theirs.protocol() != mine.protocol()) {
      throw new WrongVersionException(mine, theirs);
    }
    received(frame.length());
    return theirs;
  }

  /** Opens a stream. Only for the side that made the connection. */
  public MuxStream open(String kind) throws IOException {
    if (!initiator) {
      throw new IllegalStateException("only the side that made the connection opens streams");
    }
    byte[] name = kind.getBytes(StandardCharsets.UTF_8);
    writing.lock(); // so that streams appear in the order of their numbers
    try {
      MuxStream stream;
      synchronized (streams) {
        if (closedBecause != null) {
          throw new SessionClosedException(closedBecause);
        }
        if (streams.size() >= MAX_STREAMS || lastNumber == 0xffff) {
          throw new IOException("Too many streams at once to the other agent.");
        }
        stream = new MuxStream(this, ++lastNumber, kind);
        streams.put(stream.number(), stream);
      }
      send(Frame.Type.OPEN, stream.number(), name, 0, name.length);
      return stream;
    } finally {
      writing.unlock();
    }
  }

  /**
   * Sends a message of the layer above.
   *
   * @param message 1 to 262144 bytes
   */
  public void sendControl(byte[] message) throws IOException {
    if (message.length > Frame.MAX_PAYLOAD) {
      throw new IOException("A message to the other agent is longer than it may be.");
    }
    send(Frame.Type.CONTROL, 0, message, 0, message.length);
  }

  /** What went into the link, bytes. */
  public long bytesSent() {
    return bytesSent;
  }

  /** What came out of the link, bytes. */
  public long bytesReceived() {
    return bytesReceived;
  }

  /** Says goodbye, if that can be done at once, and closes the link. */
  @Override
  public void close() {
    shut("The session was closed on this side.", true);
  }

  /** Closes the session and tells the other side why, a sentence. */
  public void close(String reason) {
    shut(reason, true);
  }

  void sendData(int stream, byte[] bytes, int offset, int length) throws IOException {
    send(Frame.Type.DATA, stream, bytes, offset, length);
  }

  void sendEnd(int stream) throws IOException {
    send(Frame.Type.END, stream, NOTHING, 0, 0);
  }

  void sendCredit(int stream, int bytes) throws IOException {
    byte[] credit = {(byte) (bytes >> 24), (byte) (bytes >> 16), (byte) (bytes >> 8), (byte) bytes};
    send(Frame.Type.CREDIT, stream, credit, 0, 4);
  }

  void sendReset(int stream, String reason) {
    forget(stream);
    byte[] text = reason.getBytes(StandardCharsets.UTF_8);
    try {
      send(Frame.Type.RESET, stream, text, 0, Math.min(text.length, Frame.MAX_PAYLOAD));
    } catch (IOException e) {
      // The session is over, and the stream with it.
      return;
    }
  }

  void forget(int stream) {
    synchronized (streams) {
      streams.remove(stream);
    }
  }

  private void send(Frame.Type type, int stream, byte[] payload, int offset, int length)
      throws IOException {
    writing.lock();
    try {
      String closed = closedBecause();
      if (closed != null) {
        throw new SessionClosedException(closed);
      }
      Frame.write(link.out(), type, stream, payload, offset, length);
      link.out().flush();
      bytesSent += Frame.HEAD + length;
      lastSent = System.nanoTime();
    } catch (SessionClosedException e) {
      throw e;
    } catch (IOException e) {
      // Half a frame may be out: the session can't go on.
      shut("The connection to the other agent broke: " + sentence(e), false);
      throw new SessionClosedException(closedBecause());
    } finally {
      writing.unlock();
    }
  }

  private void readAll() {
    String reason;
    try {
      reason = readUntilBye();
    } catch (EOFException e) {
      reason = "The connection to the other agent was closed by the other side.";
    } catch (ProtocolException e) {
      reason = e.getMessage();
    } catch (IOException e) {
      reason = "The connection to the other agent broke: " + sentence(e);
    } catch (RuntimeException e) {
      reason = "The session with the other agent failed: " + e;
    }
    shut(reason, true);
  }

  private String readUntilBye() throws IOException {
    while (true) {
      Frame frame = Frame.read(in);
      switch (frame.type()) {
        case HELLO -> throw new ProtocolException("a second HELLO");
        case CONTROL -> listener.control(payload(frame));
        case OPEN -> opened(frame);
        case DATA -> {
          Optional<MuxStream> stream = stream(frame);
          if (stream.isPresent()) {
            stream.get().fill(in, frame.length());
          } else {
            in.skipNBytes(frame.length());
          }
        }
        case END -> stream(frame).ifPresent(MuxStream::ended);
        case RESET -> {
          byte[] reason = payload(frame);
          Optional<MuxStream> stream = stream(frame);
          forget(frame.stream());
          stream.ifPresent(s -> s.wasReset(reason));
        }
        case CREDIT -> {
          int credit = in.readInt();
          Optional<MuxStream> stream = stream(frame);
          if (stream.isPresent()) {
            stream.get().addCredit(credit);
          }
        }
        case ALIVE -> {}
        case BYE -> {
          String text = text(payload(frame));
          return text.isEmpty() ? "The other agent ended the session." : text;
        }
      }
      received(frame.length());
    }
  }

  private void received(int payload) {
    bytesReceived += Frame.HEAD + payload;
    lastReceived = System.nanoTime();
  }

  private byte[] payload(Frame frame) throws IOException {
    byte[] payload = new byte[frame.length()];
    in.readFully(payload);
    return payload;
  }

  private void opened(Frame frame) throws IOException {
    String kind = text(payload(frame));
    MuxStream stream;
    synchronized (streams) {
      if (initiator || frame.stream() != lastNumber + 1) {
        throw new ProtocolException("stream " + frame.stream() + " was opened out of turn");
      }
      if (streams.size() >= MAX_STREAMS) {
        throw new ProtocolException("more than " + MAX_STREAMS + " streams at once");
      }
      if (closedBecause != null) {
        return;
      }
      lastNumber = frame.stream();
      stream = new MuxStream(this, frame.stream(), kind);
      streams.put(stream.number(), stream);
    }
    try {
      listener.opened(stream);
    } catch (IOException e) {
      stream.reset(sentence(e));
    }
  }

  /** The frame's stream; empty when it was and is no more. */
  private Optional<MuxStream> stream(Frame frame) throws ProtocolException {
    synchronized (streams) {
      if (frame.stream() > lastNumber) {
        throw new ProtocolException(
            "a " + frame.type() + " frame on stream " + frame.stream() + ", which is not open");
      }
      return Optional.ofNullable(streams.get(frame.stream()));
    }
  }

  /** Beats, and closes the session when the other side no longer does. */
  private void watch() {
    long beat = timing.beat().toNanos();
    long step = Math.max(1, Math.min(beat, timing.dead().toNanos()) / 4_000_000);
    while (closedBecause() == null) {
      try {
        TimeUnit.MILLISECONDS.sleep(step);
      } catch (InterruptedException e) {
        return;
      }
      long now = System.nanoTime();
      if (now - lastReceived > timing.dead().toNanos()) {
        shut(
            "Nothing was heard from the other agent for "
                + timing.dead().toSeconds()
                + " s: it, or the network on the way, is down.",
            false);
      } else if (now - lastSent > beat && lastSent != 0 && writing.tryLock()) {
        // When the lock is taken somebody is sending, which is as good.
        try {
          send(Frame.Type.ALIVE, 0, NOTHING, 0, 0);
        } catch (IOException e) {
          return;
        } finally {
          writing.unlock();
        }
      }
    }
  }

  private String closedBecause() {
    synchronized (streams) {
      return closedBecause;
    }
  }

  private void shut(String reason, boolean goodbye) {
    List<MuxStream> open;
    synchronized (streams) {
      if (closedBecause != null) {
        return;
      }
      closedBecause = reason;
      open = new ArrayList<>(streams.values());
      streams.clear();
    }
    // Before anything fails because of it: whoever listens shall know why.
    listener.closed(reason);
    if (goodbye) {
      sayGoodbye(reason);
    }
    SessionClosedException why = new SessionClosedException(reason);
    open.forEach(stream -> stream.fail(why));
    try {
      link.close();
    } catch (IOException e) {
      why.addSuppressed(e);
    }
  }

  /** Tries to tell the other side, for a second at most: a dead link takes nothing any more. */
  private void sayGoodbye(String reason) {
    Thread thread =
        thread(
            "goodbye",
            () -> {
              if (!writing.tryLock()) {
                return;
              }
              try {
                byte[] text = reason.getBytes(StandardCharsets.UTF_8);
                int length = Math.min(text.length, Frame.MAX_PAYLOAD);
                Frame.write(link.out(), Frame.Type.BYE, 0, text, 0, length);
                link.out().flush();
              } catch (IOException ignored) {
                // The other side is gone already; it needs no goodbye.
              } finally {
                writing.unlock();
              }
            });
    thread.start();
    try {
      thread.join(1000);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static String text(byte[] bytes) {
    return new String(bytes, 0, Math.min(bytes.length, 2000), StandardCharsets.UTF_8)
        .replaceAll("\\p{Cntrl}", "?");
  }

  private static String sentence(Throwable e) {
    return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
  }
}
