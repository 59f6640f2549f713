package org.nephele.server.rpc;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.nephele.core.io.SocketStreams;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.JsonLines;
import org.nephele.core.protocol.Message;
import org.nephele.core.protocol.NepheleException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers the calls of one connection after another, as {@link Api} says. Calls are registered
 * before it serves; after that it is thread-safe.
 */
public final class RpcServer {
  private static final Logger log = LoggerFactory.getLogger(RpcServer.class);

  private final Map<String, Registered<?>> calls = new LinkedHashMap<>();
  private final Api.Welcome welcome;

  /** What a call does. */
  @FunctionalInterface
  public interface Call<P> {
    Object answer(P params, Notifier notifier) throws NepheleException, IOException;
  }

  /** Sends notifications on the connection that made the call, before its answer. */
  @FunctionalInterface
  public interface Notifier {
    void send(String method, Object params) throws IOException;
  }

  private record Registered<P>(Class<P> params, Call<P> call) {
    Object answer(JsonNode node, Notifier notifier) throws NepheleException, IOException {
      P value;
      try {
        value = JsonLines.json().treeToValue(node, params);
      } catch (JsonProcessingException e) {
        throw new NepheleException(
            ErrorKind.USAGE,
            "The parameters of the call are not what it takes: " + e.getOriginalMessage());
      }
      return call.answer(value, notifier);
    }
  }

  /** No parameters. */
  public record None() {}

  public RpcServer(Api.Welcome welcome) {
    this.welcome = welcome;
  }

  public <P> RpcServer on(String method, Class<P> params, Call<P> call) {
    calls.put(method, new Registered<>(params, call));
    return this;
  }

  /** Serves one connection until the other end leaves. */
  public void serve(SocketChannel channel) throws IOException {
    JsonLines lines = new JsonLines(SocketStreams.input(channel), SocketStreams.output(channel));
    try {
      if (!greet(lines)) {
        return;
      }
      while (true) {
        Optional<Message> message = lines.read();
        if (message.isEmpty()) {
          return;
        }
        if (message.get() instanceof Message.Request request) {
          lines.write(answer(request, lines));
        }
      }
    } catch (JsonLines.MalformedLineException e) {
      lines.write(
          new Message.Failure(0, ErrorKind.USAGE, "The agent can't read this: " + e.getMessage()));
    }
  }

  private boolean greet(JsonLines lines) throws IOException {
    Optional<Message> first = lines.read();
    if (first.isEmpty()) {
      return false;
    }
    if (!(first.get() instanceof Message.Request request) || !request.method().equals(Api.HELLO)) {
      lines.write(
          new Message.Failure(
              0, ErrorKind.USAGE, "The first call on a connection must be 'hello'."));
      return false;
    }
    int theirs = request.params().path("protocol").asInt();
    if (theirs != Api.VERSION) {
      lines.write(
          new Message.Failure(
              request.id(),
              ErrorKind.INCOMPATIBLE,
              "The client speaks protocol version "
                  + theirs
                  + ", the agent on "
                  + welcome.node()
                  + " ("
                  + welcome.version()
                  + ") speaks "
                  + Api.VERSION
                  + ": upgrade the older one."));
      return false;
    }
    lines.write(new Message.Result(request.id(), JsonLines.json().valueToTree(welcome)));
    return true;
  }

  private Message answer(Message.Request request, JsonLines lines) {
    Registered<?> call = calls.get(request.method());
    if (call == null) {
      return new Message.Failure(
          request.id(),
          ErrorKind.USAGE,
          "The agent on "
              + welcome.node()
              + " ("
              + welcome.version()
              + ") has no call '"
              + request.method()
              + "'.");
    }
    try {
      Object result =
          call.answer(
              request.params(),
              (method, params) ->
                  lines.write(
                      new Message.Notification(method, JsonLines.json().valueToTree(params))));
      return new Message.Result(request.id(), JsonLines.json().valueToTree(result));
    } catch (NepheleException e) {
      log.info("{} was refused: {}", request.method(), e.getMessage(), e.getCause());
      return new Message.Failure(request.id(), e.kind(), e.getMessage());
    } catch (IOException | RuntimeException e) {
      log.error("{} failed", request.method(), e);
      return new Message.Failure(
          request.id(),
          ErrorKind.FAILED,
          request.method() + " failed on " + welcome.node() + ": " + e.getMessage());
    }
  }
}
