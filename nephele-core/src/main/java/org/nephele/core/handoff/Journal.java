package org.nephele.core.handoff;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.UUID;

/**
 * What a side must not forget, as its file holds it. One file a handoff and side, replaced as a
 * whole and durably; the file's name is the handoff's id.
 */
public final class Journal {
  /** The version of the files. */
  public static final int VERSION = 1;

  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .build();

  private Journal() {}

  /** How far the source is. */
  public enum SourcePhase {
    /** The destination may hold a copy that can't run. */
    STARTED,
    /** The instance is the destination's. */
    COMMITTED,
    /** The instance is the source's; the destination has not confirmed that its copy is gone. */
    ABORTED
  }

  /** How far the destination is. */
  public enum DestinationPhase {
    /** There may be a folder, and a domain that libvirt is filling. */
    PREPARED,
    /** There is a complete paused domain, which waits for the source's word. */
    READY,
    /** It is an instance of this node. Kept for a while, to answer a source that asks again. */
    TAKEN
  }

  /**
   * @param destination as the person typed it
   */
  public record SourceEntry(int version, SourcePhase phase, String destination, Plan plan) {}

  /**
   * @param at when it was written, RFC 3339
   */
  public record DestinationEntry(int version, DestinationPhase phase, String at, Plan plan) {}

  public static byte[] write(Object entry) {
    try {
      return JSON.writeValueAsBytes(entry);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * @throws IOException when it is none, or of a later version
   */
  public static SourceEntry readSource(byte[] bytes) throws IOException {
    SourceEntry entry = JSON.readValue(bytes, SourceEntry.class);
    if (entry == null || entry.version() != VERSION || entry.phase() == null) {
      throw new IOException("it is not a journal of this version");
    }
    checkPlan(entry.plan());
    return entry;
  }

  /**
   * @throws IOException when it is none, or of a later version
   */
  public static DestinationEntry readDestination(byte[] bytes) throws IOException {
    DestinationEntry entry = JSON.readValue(bytes, DestinationEntry.class);
    if (entry == null || entry.version() != VERSION || entry.phase() == null) {
      throw new IOException("it is not a journal of this version");
    }
    checkPlan(entry.plan());
    try {
      Instant.parse(entry.at());
    } catch (DateTimeParseException | NullPointerException e) {
      throw new IOException("it has no time", e);
    }
    return entry;
  }

  private static void checkPlan(Plan plan) throws IOException {
    if (plan == null || !PeerMessage.isId(plan.id()) || plan.uuid() == null) {
      throw new IOException("it has no plan");
    }
    try {
      UUID.fromString(plan.uuid());
    } catch (IllegalArgumentException e) {
      throw new IOException("it names no instance", e);
    }
  }
}
