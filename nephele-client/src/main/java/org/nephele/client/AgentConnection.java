package org.nephele.client;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.JsonLines;
import org.nephele.core.protocol.Message;
import org.nephele.core.protocol.NepheleException;

/**
 * A conversation with an agent over a pair of streams. One call at a time; not thread-safe.
 *
 * <p>The greeting goes out together with the first call, which saves a round trip: an agent that
 * does not like the greeting closes the connection and never sees the call.
 */
public final class AgentConnection implements AutoCloseable {
  private final String node;
  private final JsonLines lines;
  private final AutoCloseable transport;
  private boolean greeted;
  private long lastId;

  /**
   * @param node for sentences
   * @param transport closed with this
   */
  public AgentConnection(String node, InputStream in, OutputStream out, AutoCloseable transport) {
    this.node = node;
    this.lines = new JsonLines(in, out);
    this.transport = transport;
  }

  /** The node as the person who typed the command calls it. */
  public String node() {
    return node;
  }

  /**
   * Makes a call and waits for its answer.
   *
   * @param parameters a record of {@link Api}, or null when the method has none
   * @throws NepheleException the agent's own, or UNREACHABLE when the connection is lost
   */
  public <T> T call(String method, Object parameters, Class<T> type) throws NepheleException {
    return call(method, parameters, type, notification -> {});
  }

  /** Follows an operation to its end; {@code progress} gets what it does on the way. */
  public Api.Operation watch(String operation, Consumer<Api.Operation> progress)
      throws NepheleException {
    return call(
        Api.OPERATION_WATCH,
        new Api.OperationRef(operation),
        Api.Operation.class,
        notification -> {
          if (notification.method().equals(Api.PROGRESS)) {
            progress.accept(decode(notification.params(), Api.Operation.class));
          }
        });
  }

  private interface Listener {
    void accept(Message.Notification notification) throws NepheleException;
  }

  private <T> T call(String method, Object parameters, Class<T> type, Listener listener)
      throws NepheleException {
    try {
      return greeted
          ? decode(answer(send(method, parameters), listener), type)
          : greetAndCall(method, parameters, type, listener);
    } catch (IOException e) {
      throw new NepheleException(
          ErrorKind.UNREACHABLE,
          "the connection to the agent on " + node + " was lost: " + e.getMessage(),
          e);
    }
  }

  private <T> T greetAndCall(String method, Object parameters, Class<T> type, Listener listener)
      throws IOException, NepheleException {
    long greeting = send(Api.HELLO, new Api.Hello("nephele-client", Version.VERSION, Api.VERSION));
    long id = 0;
    IOException refused = null;
    try {
      id = send(method, parameters);
    } catch (IOException e) {
      refused = e; // the agent has closed the connection; its answer says why
    }
    welcome(decode(answer(greeting, listener), Api.Welcome.class));
    if (refused != null) {
      throw refused;
    }
    greeted = true;
    return decode(answer(id, listener), type);
  }

  private long send(String method, Object parameters) throws IOException {
    long id = ++lastId;
    JsonNode params = JsonLines.json().valueToTree(parameters == null ? Map.of() : parameters);
    lines.write(new Message.Request(id, method, params));
    return id;
  }

  private JsonNode answer(long id, Listener listener) throws IOException, NepheleException {
    while (true) {
      Optional<Message> message = lines.read();
      if (message.isEmpty()) {
        throw new IOException("it ended the conversation");
      }
      if (message.get() instanceof Message.Notification notification) {
        listener.accept(notification);
      } else if (message.get() instanceof Message.Result result && result.id() == id) {
        return result.result();
      } else if (message.get() instanceof Message.Failure failure
          && (failure.id() == id || failure.id() == 0)) {
        throw failure.toException();
      } else {
        throw new IOException("it answered something that was not asked");
      }
    }
  }

  private void welcome(Api.Welcome welcome) throws NepheleException {
    if (welcome.protocol() != Api.VERSION) {
      throw new NepheleException(
          ErrorKind.INCOMPATIBLE,
          "the agent on "
              + node
              + " ("
              + welcome.version()
              + ") speaks version "
              + welcome.protocol()
              + " of the protocol and this client ("
              + Version.VERSION
              + ") version "
              + Api.VERSION
              + ": install the same version of both");
    }
  }

  /** A part of an answer as the record it is said to be. */
  public <T> T decode(JsonNode json, Class<T> type) throws NepheleException {
    try {
      T value = JsonLines.json().treeToValue(json, type);
      if (value != null) {
        return value;
      }
    } catch (JsonProcessingException e) {
      throw strange(e.getOriginalMessage(), e);
    }
    throw strange("nothing where a " + type.getSimpleName() + " should be", null);
  }

  private NepheleException strange(String what, Throwable cause) {
    return new NepheleException(
        ErrorKind.INCOMPATIBLE, "the agent on " + node + " answered strangely: " + what, cause);
  }

  @Override
  public void close() {
    try {
      transport.close();
    } catch (Exception e) {
      // It is of no more use, closed or not.
    }
  }
}
