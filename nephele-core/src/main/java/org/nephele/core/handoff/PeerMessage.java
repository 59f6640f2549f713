package org.nephele.core.handoff;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;

/**
 * A control message between two agents: a JSON object whose {@code type} says which. Every message
 * names the handoff it is about. Unknown members are ignored, an unknown type is an error.
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
  @JsonSubTypes.Type(value = PeerMessage.Prepare.class, name = "prepare"),
  @JsonSubTypes.Type(value = PeerMessage.Prepared.class, name = "prepared"),
  @JsonSubTypes.Type(value = PeerMessage.Refused.class, name = "refused"),
  @JsonSubTypes.Type(value = PeerMessage.Ready.class, name = "ready"),
  @JsonSubTypes.Type(value = PeerMessage.Commit.class, name = "commit"),
  @JsonSubTypes.Type(value = PeerMessage.Running.class, name = "running"),
  @JsonSubTypes.Type(value = PeerMessage.Taken.class, name = "taken"),
  @JsonSubTypes.Type(value = PeerMessage.Abort.class, name = "abort"),
  @JsonSubTypes.Type(value = PeerMessage.Failed.class, name = "failed"),
  @JsonSubTypes.Type(value = PeerMessage.Destroyed.class, name = "destroyed")
})
@JsonInclude(JsonInclude.Include.NON_NULL)
public sealed interface PeerMessage {
  /** The handoff it is about: 32 hex digits. */
  String id();

  /** Source: may this instance come to you? */
  record Prepare(String id, Plan plan) implements PeerMessage {}

  /**
   * Destination: it may, and there is a place for it.
   *
   * @param backing the image's disk there
   * @param overlay the instance's disk there, which is empty so far
   * @param console the log of the serial console there
   * @param emulator the QEMU that the destination's settings name, or empty
   */
  record Prepared(String id, String backing, String overlay, String console, String emulator)
      implements PeerMessage {}

  /**
   * Destination: it may not, and nothing was done.
   *
   * @param code as in JSON-RPC errors, see ErrorKind
   * @param message a sentence for the person who wanted it
   */
  record Refused(String id, int code, String message) implements PeerMessage {}

  /** Destination: everything is here, it stays paused until you say, and this is on disk. */
  record Ready(String id, List<StreamDigest> digests) implements PeerMessage {
    public Ready {
      digests = digests == null ? List.of() : List.copyOf(digests);
    }
  }

  /** Source: it is yours. Said again until the answer is Taken or Destroyed. */
  record Commit(String id) implements PeerMessage {}

  /** Destination: its CPUs run; sent as early as can be. */
  record Running(String id) implements PeerMessage {}

  /**
   * Destination: it is an instance of this node, and this is on disk.
   *
   * @param clockSet whether the guest's clock was set by its agent; null where that was not tried
   * @param problem a sentence where something is not as it should be, or null
   */
  record Taken(String id, Boolean clockSet, String problem) implements PeerMessage {}

  /** Source: give your copy up. Said again until the answer is Destroyed. */
  record Abort(String id, String reason) implements PeerMessage {}

  /** Destination: it can't be done; Destroyed follows when nothing is left here. */
  record Failed(String id, String message) implements PeerMessage {}

  /** Destination: there is no copy here, and none ever ran. */
  record Destroyed(String id) implements PeerMessage {}

  /** Longest message, bytes; also what a frame of the session can hold. */
  int MAX = 256 << 10;

  /** Whether a text can be the id of a handoff; it becomes part of file names. */
  static boolean isId(String text) {
    return text != null && Json.ID.matcher(text).matches();
  }

  default byte[] toBytes() {
    try {
      return Json.MAPPER.writerFor(PeerMessage.class).writeValueAsBytes(this);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * @throws IOException when it is no message of ours
   */
  static PeerMessage parse(byte[] bytes) throws IOException {
    try {
      PeerMessage message = Json.MAPPER.readValue(bytes, PeerMessage.class);
      if (!isId(Objects.requireNonNull(message).id())) {
        throw new IOException("A message of the other agent names no handoff.");
      }
      return message;
    } catch (JsonProcessingException | NullPointerException e) {
      throw new IOException("The other agent said something unknown: " + e.getMessage(), e);
    }
  }

  /** How messages are written. */
  final class Json {
    private static final Pattern ID = Pattern.compile("[0-9a-f]{32}");
    private static final ObjectMapper MAPPER =
        JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .build();

    private Json() {}
  }
}
