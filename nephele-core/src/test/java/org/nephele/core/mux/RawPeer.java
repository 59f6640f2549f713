package org.nephele.core.mux;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.DataOutputStream;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** The other end of a session, as bytes. The session is the side that was connected to, or not. */
final class RawPeer {
  final LinkPair.Heard heard = new LinkPair.Heard();
  final DataOutputStream out;
  private final CompletableFuture<MuxSession.Greeted> greeted = new CompletableFuture<>();

  RawPeer(LinkPair pair) {
    this(pair, true);
  }

  RawPeer(LinkPair pair, boolean initiator) {
    this.out = new DataOutputStream(pair.rawOut());
    Thread thread =
        new Thread(
            () -> {
              try {
                greeted.complete(
                    MuxSession.greet(
                        LinkPair.link(pair.left),
                        initiator,
                        LinkPair.hello("left"),
                        LinkPair.QUICK,
                        heard));
              } catch (IOException | RuntimeException e) {
                greeted.completeExceptionally(e);
              }
            });
    thread.setDaemon(true);
    thread.start();
  }

  /** Says a proper hello, and starts the session. */
  RawPeer greet() throws Exception {
    out.write("NEPHPEER".getBytes(UTF_8));
    frame(0, 0, "{\"protocol\":1,\"agent\":\"raw\",\"version\":\"1\",\"node\":\"raw\"}");
    greeted.get().session().start();
    return this;
  }

  MuxSession session() throws Exception {
    return greeted.get().session();
  }

  /** Why there is no session. */
  Throwable refusal() throws InterruptedException {
    try {
      greeted.get();
      throw new AssertionError("it was greeted");
    } catch (ExecutionException e) {
      return e.getCause();
    }
  }

  void frame(int type, int stream, String payload) throws IOException {
    frame(type, stream, payload.getBytes(UTF_8));
  }

  void frame(int type, int stream, byte[] payload) throws IOException {
    head(type, stream, payload.length);
    out.write(payload);
  }

  void head(int type, int stream, int length) throws IOException {
    out.writeByte(type);
    out.writeByte(0);
    out.writeShort(stream);
    out.writeInt(length);
  }
}
