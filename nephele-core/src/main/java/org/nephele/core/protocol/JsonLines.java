package org.nephele.core.protocol;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Reads and writes {@link Message}s, a line each, over a pair of streams. A line is at most {@link
 * #MAX_LINE} bytes, checked before more is kept than that.
 *
 * <p>Writing is thread-safe; reading is for one thread.
 */
public final class JsonLines {
  /** The longest line that is read or written, in bytes, without its newline. */
  public static final int MAX_LINE = 4 << 20;

  private static final ObjectMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder().maxNestingDepth(64).build())
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .build())
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .build();

  private final InputStream in;
  private final OutputStream out;
  private final byte[] chunk = new byte[8192];
  private int position;
  private int limit;

  /** Neither stream needs to be buffered. */
  public JsonLines(InputStream in, OutputStream out) {
    this.in = in;
    this.out = out;
  }

  /**
   * The mapper that records of {@link Api} go through. Unknown members are ignored, so that a newer
   * peer can say more.
   */
  public static ObjectMapper json() {
    return JSON;
  }

  /**
   * The next message; empty at the end of the stream.
   *
   * @throws MalformedLineException when the line is too long, no JSON, or no JSON-RPC; the
   *     connection is of no use after that
   */
  public Optional<Message> read() throws IOException {
    byte[] line = readLine();
    return line == null ? Optional.empty() : Optional.of(parse(line));
  }

  /** Writes and flushes one message. */
  public void write(Message message) throws IOException {
    ObjectNode object = JSON.createObjectNode().put("jsonrpc", "2.0");
    if (message instanceof Message.Request m) {
      object.put("id", m.id()).put("method", m.method()).set("params", m.params());
    } else if (message instanceof Message.Result m) {
      object.put("id", m.id()).set("result", m.result());
    } else if (message instanceof Message.Failure m) {
      object.put("id", m.id());
      object.putObject("error").put("code", m.kind().rpcCode()).put("message", m.message());
    } else if (message instanceof Message.Notification m) {
      object.put("method", m.method()).set("params", m.params());
    }
    byte[] bytes = JSON.writeValueAsBytes(object);
    if (bytes.length > MAX_LINE) {
      throw new MalformedLineException(
          "a message of "
              + bytes.length
              + " bytes is longer than a line may be ("
              + MAX_LINE
              + ")");
    }
    synchronized (out) {
      out.write(bytes);
      out.write('\n');
      out.flush();
    }
  }

  private byte[] readLine() throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    while (true) {
      if (position == limit) {
        position = 0;
        limit = Math.max(0, in.read(chunk));
        if (limit == 0) {
          if (line.size() > 0) {
            throw new MalformedLineException("the connection ended in the middle of a line");
          }
          return null;
        }
      }
      int end = position;
      while (end < limit && chunk[end] != '\n') {
        end++;
      }
      line.write(chunk, position, end - position);
      position = Math.min(end + 1, limit);
      if (line.size() > MAX_LINE) {
        throw new MalformedLineException("a line is longer than " + MAX_LINE + " bytes");
      }
      if (end < limit) {
        return line.toByteArray();
      }
    }
  }

  static Message parse(byte[] line) throws MalformedLineException {
    JsonNode node;
    try {
      node = JSON.readTree(line);
    } catch (JsonProcessingException e) {
      throw new MalformedLineException("a line is no JSON: " + e.getOriginalMessage());
    } catch (IOException e) {
      throw new MalformedLineException("a line is no JSON: " + e.getMessage());
    }
    if (!(node instanceof ObjectNode object) || !object.path("jsonrpc").asText().equals("2.0")) {
      throw new MalformedLineException("a line is no JSON-RPC 2.0 object: " + excerpt(line));
    }
    boolean hasId = object.path("id").isIntegralNumber() && object.path("id").canConvertToLong();
    long id = object.path("id").asLong();
    JsonNode params = object.has("params") ? object.get("params") : JSON.createObjectNode();
    if (object.path("method").isTextual() && params.isObject()) {
      String method = object.get("method").asText();
      if (hasId) {
        return new Message.Request(id, method, params);
      }
      if (!object.has("id")) {
        return new Message.Notification(method, params);
      }
    } else if (hasId && object.has("result")) {
      return new Message.Result(id, object.get("result"));
    } else if (hasId && object.path("error").isObject()) {
      JsonNode error = object.get("error");
      return new Message.Failure(
          id, ErrorKind.ofRpcCode(error.path("code").asInt()), error.path("message").asText());
    }
    throw new MalformedLineException(
        "a line is no JSON-RPC request, result, error or notification: " + excerpt(line));
  }

  private static String excerpt(byte[] line) {
    String text = new String(line, 0, Math.min(line.length, 80), StandardCharsets.UTF_8);
    return text.replaceAll("\\p{Cntrl}", "?");
  }

  /**
   * A line that is no message. Its text is for the log and for the other end; it holds no control
   * characters.
   */
  public static final class MalformedLineException extends IOException {
    private static final long serialVersionUID = 1L;

    MalformedLineException(String message) {
      super(message);
    }
  }
}
