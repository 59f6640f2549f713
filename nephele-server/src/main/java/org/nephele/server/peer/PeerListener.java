package org.nephele.server.peer;

import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.util.concurrent.CountDownLatch;
import java.util.function.Function;
import org.nephele.core.handoff.PeerMessage;
import org.nephele.core.io.SocketStreams;
import org.nephele.core.mux.Hello;
import org.nephele.core.mux.Link;
import org.nephele.core.mux.MuxStream;
import org.nephele.server.rpc.UnixListener;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Serves connections of other agents on {@code peer.sock}. Thread-safe. */
public final class PeerListener implements UnixListener.Handler {
  private static final Logger log = LoggerFactory.getLogger(PeerListener.class);

  private final Hello mine;
  private final Function<PeerSession, PeerEvents> accept;

  /**
   * @param accept says who hears what a new session brings
   */
  public PeerListener(Hello mine, Function<PeerSession, PeerEvents> accept) {
    this.mine = mine;
    this.accept = accept;
  }

  @Override
  public void serve(SocketChannel channel) throws IOException {
    Link link = new Link(SocketStreams.input(channel), SocketStreams.output(channel), channel);
    Accepted events = new Accepted();
    PeerSession session;
    try {
      session = PeerSession.greet(link, false, mine, events);
    } catch (IOException e) {
      log.warn("Somebody connected to the peers' socket and did not get through: {}", e.toString());
      return;
    }
    log.info("The agent of {} is connected", session.node());
    events.to = accept.apply(session);
    session.start();
    try {
      events.over.await();
    } catch (InterruptedException e) {
      session.close("The agent is being stopped.");
    }
    log.info("The agent of {} has left", session.node());
  }

  /** Passes on what comes to whom {@link #accept} named, and ends the connection's thread. */
  private static final class Accepted implements PeerEvents {
    private final CountDownLatch over = new CountDownLatch(1);
    private volatile PeerEvents to;

    @Override
    public void message(PeerMessage message) {
      to.message(message);
    }

    @Override
    public void opened(MuxStream stream) throws IOException {
      to.opened(stream);
    }

    @Override
    public void lost(String reason) {
      if (to != null) {
        to.lost(reason);
      }
      over.countDown();
    }
  }
}
