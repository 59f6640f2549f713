package org.nephele.core.protocol;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * One line on the wire: the four shapes of JSON-RPC 2.0 that we use. Ids are integers; batches are
 * not used.
 */
public sealed interface Message {

  /**
   * A call that wants an answer. {@code params} is an object, empty when there is nothing to say.
   */
  record Request(long id, String method, JsonNode params) implements Message {}

  /** The answer to the request with that id. */
  record Result(long id, JsonNode result) implements Message {}

  /** The request with that id was not done. Id 0 answers a line whose id could not be read. */
  record Failure(long id, ErrorKind kind, String message) implements Message {
    public NepheleException toException() {
      return new NepheleException(kind, message);
    }
  }

  /** Something that happened, which wants no answer. */
  record Notification(String method, JsonNode params) implements Message {}
}
