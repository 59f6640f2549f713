package org.nephele.server.peer;

import java.io.IOException;
import org.nephele.core.handoff.PeerMessage;
import org.nephele.core.mux.MuxStream;

/** What comes from the other agent. Called by the session's reader, so nothing here may block. */
public interface PeerEvents {
  void message(PeerMessage message);

  /**
   * @throws IOException with a sentence for the other agent, when the stream isn't wanted
   */
  void opened(MuxStream stream) throws IOException;

  /** The session is over; called once, last. */
  void lost(String reason);
}
