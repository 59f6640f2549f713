package org.nephele.server.instance;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import org.nephele.core.format.FormatException;
import org.nephele.core.io.DurableFiles;
import org.nephele.core.protocol.JsonLines;

/**
 * What is kept of an instance beside libvirt's own knowledge. Also what a handoff tells the
 * destination.
 *
 * @param version of this record, 0
 * @param snapshot path of the snapshot it was made from, on the node where it was started
 * @param imageContent {@code Image.content}: the image its overlay belongs to
 * @param ports TCP, the same on the node and in the guest
 * @param forwardAddress where the node listens on them
 * @param started when it was started first, RFC 3339, UTC
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record InstanceRecord(
    int version,
    UUID uuid,
    String title,
    String snapshot,
    String imageId,
    String imageName,
    String imageContent,
    List<Integer> ports,
    String forwardAddress,
    String started,
    State state) {
  static final int VERSION = 0;
  static final String FILE = "instance.json";
  private static final long MOST = 1 << 20;

  private static final ObjectMapper JSON =
      JsonLines.json().copy().enable(SerializationFeature.INDENT_OUTPUT);

  /** See the package's description. */
  public enum State {
    STARTING,
    ARRIVING,
    RUNNING,
    LOST
  }

  public InstanceRecord {
    ports = ports == null ? List.of() : List.copyOf(ports);
  }

  public InstanceRecord with(State state) {
    return new InstanceRecord(
        version,
        uuid,
        title,
        snapshot,
        imageId,
        imageName,
        imageContent,
        ports,
        forwardAddress,
        started,
        state);
  }

  /** For people: {@code TITLE [UUID]}. */
  public String label() {
    return title + " [" + uuid + "]";
  }

  void write(Path folder) throws IOException {
    try {
      DurableFiles.write(folder.resolve(FILE), JSON.writeValueAsBytes(this));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  static InstanceRecord read(Path folder) throws IOException {
    Path file = folder.resolve(FILE);
    if (Files.size(file) > MOST) {
      throw new FormatException("its " + FILE + " is too long");
    }
    InstanceRecord record;
    try {
      record = JSON.readValue(Files.readAllBytes(file), InstanceRecord.class);
    } catch (JsonProcessingException e) {
      throw new FormatException("its " + FILE + " can't be read", e);
    }
    if (record.version != VERSION
        || record.uuid == null
        || record.state == null
        || record.title == null
        || record.imageContent == null
        || !folder.getFileName().toString().equals(record.uuid.toString())) {
      throw new FormatException("its " + FILE + " is of another version, or not complete");
    }
    return record;
  }
}
