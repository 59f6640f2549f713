package org.nephele.server.handoff;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.nephele.core.handoff.PeerMessage;
import org.nephele.core.mux.MuxStream;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.nephele.core.ssh.Destination;
import org.nephele.server.peer.PeerConnector;
import org.nephele.server.peer.PeerEvents;
import org.nephele.server.peer.PeerSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells a destination the source's last word over new connections, until it answers, or until the
 * journal is gone: somebody has settled it by hand. It is always the source that comes back: the
 * destination may have no key for it.
 */
final class Settler {
  private static final Logger log = LoggerFactory.getLogger(Settler.class);
  private static final long FIRST_PAUSE_MS = 2000;
  private static final long LONGEST_PAUSE_MS = 30_000;
  private static final long ANSWER_S = 60;

  private final PeerConnector connector;
  private final Journals journals;

  Settler(PeerConnector connector, Journals journals) {
    this.connector = connector;
    this.journals = journals;
  }

  /**
   * Starts a thread that says the word until it is answered with Taken or Destroyed.
   *
   * @param destination as the person typed it
   */
  void tell(String destination, PeerMessage word, Consumer<PeerMessage> answered) {
    Thread thread =
        new Thread(() -> untilAnswered(destination, word, answered), "settle " + word.id());
    thread.setDaemon(true);
    thread.start();
  }

  private void untilAnswered(String destination, PeerMessage word, Consumer<PeerMessage> answered) {
    long pause = FIRST_PAUSE_MS;
    while (journals.hasSource(word.id())) {
      try {
        PeerMessage answer = ask(destination, word);
        if (!journals.hasSource(word.id())) {
          break;
        }
        if (answer instanceof PeerMessage.Taken || answer instanceof PeerMessage.Destroyed) {
          log.info("{} answers {} to {}", destination, answer, word);
          answered.accept(answer);
          return;
        }
        log.error("{} answers {} to {}; it is asked again", destination, answer, word);
      } catch (NepheleException e) {
        log.warn("{} can't be told {} yet: {}", destination, word, e.getMessage());
      }
      try {
        TimeUnit.MILLISECONDS.sleep(pause);
      } catch (InterruptedException e) {
        return;
      }
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
    log.warn("{} is not told {} any more: the journal is gone", destination, word);
  }

  private PeerMessage ask(String destination, PeerMessage word) throws NepheleException {
    CompletableFuture<PeerMessage> answer = new CompletableFuture<>();
    PeerEvents events =
        new PeerEvents() {
          @Override
          public void message(PeerMessage message) {
            boolean last = !(message instanceof PeerMessage.Running);
            if (last && message.id().equals(word.id())) {
              answer.complete(message);
            }
          }

          @Override
          public void opened(MuxStream stream) {
            throw new IllegalStateException("the other agent opens no streams");
          }

          @Override
          public void lost(String reason) {
            answer.completeExceptionally(new NepheleException(ErrorKind.UNREACHABLE, reason));
          }
        };
    try (PeerSession session = connector.connect(Destination.parse(destination), events)) {
      session.start();
      session.send(word);
      return answer.get(ANSWER_S, TimeUnit.SECONDS);
    } catch (NepheleException e) {
      throw e;
    } catch (TimeoutException e) {
      throw new NepheleException(ErrorKind.UNREACHABLE, "it does not answer", e);
    } catch (Exception e) {
      throw new NepheleException(ErrorKind.UNREACHABLE, String.valueOf(e.getMessage()), e);
    }
  }
}
