package org.nephele.server.peer;

import java.io.IOException;
import org.nephele.core.handoff.PeerMessage;
import org.nephele.core.mux.Hello;
import org.nephele.core.mux.Link;
import org.nephele.core.mux.MuxSession;
import org.nephele.core.mux.MuxStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A session with another agent: messages and streams. Thread-safe. */
public final class PeerSession implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(PeerSession.class);

  private final MuxSession session;
  private final Hello other;

  private PeerSession(MuxSession session, Hello other) {
    this.session = session;
    this.other = other;
  }

  /**
   * Greets the other agent; {@link #start} must follow.
   *
   * @param initiator whether this agent made the connection
   * @throws IOException when nobody answers in 30 s, or it is no agent of this version
   */
  static PeerSession greet(Link link, boolean initiator, Hello mine, PeerEvents events)
      throws IOException {
    MuxSession.Greeted greeted =
        MuxSession.greet(
            link,
            initiator,
            mine,
            MuxSession.Timing.NORMAL,
            new MuxSession.Listener() {
              @Override
              public void control(byte[] message) throws IOException {
                PeerMessage parsed = PeerMessage.parse(message);
                log.debug("from the other agent: {}", parsed);
                events.message(parsed);
              }

              @Override
              public void opened(MuxStream stream) throws IOException {
                events.opened(stream);
              }

              @Override
              public void closed(String reason) {
                events.lost(reason);
              }
            });
    return new PeerSession(greeted.session(), greeted.other());
  }

  /** Delivers events from now on. */
  public void start() {
    session.start();
  }

  /** What the other agent calls its node; its own word, for people only. */
  public String node() {
    return other.node() == null ? "?" : other.node();
  }

  /** For the side that made the connection. */
  public MuxStream open(String kind) throws IOException {
    return session.open(kind);
  }

  public void send(PeerMessage message) throws IOException {
    log.debug("to {}: {}", node(), message);
    session.sendControl(message.toBytes());
  }

  /** Bytes. */
  public long bytesSent() {
    return session.bytesSent();
  }

  /** Bytes. */
  public long bytesReceived() {
    return session.bytesReceived();
  }

  /** Tells the other agent why, and closes. */
  public void close(String reason) {
    session.close(reason);
  }

  @Override
  public void close() {
    session.close();
  }
}
