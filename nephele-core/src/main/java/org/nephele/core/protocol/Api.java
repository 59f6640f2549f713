package org.nephele.core.protocol;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;

/**
 * The calls of the agent, with their parameters and results as records. Members may be added in
 * later versions, never renamed or given another meaning. Times are RFC 3339 in UTC, sizes are
 * bytes unless the name says otherwise, members that may be absent are null and left out of the
 * JSON.
 *
 * <p>Calls that take long answer with {@link Started} at once; the work goes on when the client
 * leaves, and {@link #OPERATION_WATCH} follows it. The result of the operation is the record named
 * beside the method.
 */
public final class Api {
  /** The version of the protocol; both ends must have the same. */
  public static final int VERSION = 1;

  /** {@link Hello} to {@link Welcome}; must be the first call on a connection. */
  public static final String HELLO = "hello";

  /** {@link ImageBuild} to {@link Started}; the operation ends with {@link Image}. */
  public static final String IMAGE_BUILD = "image.build";

  /** {@link ImageExport} to {@link Started}; ends with {@link Exported}. */
  public static final String IMAGE_EXPORT = "image.export";

  /** {@link Path} to {@link Started}; ends with {@link Image}. */
  public static final String IMAGE_IMPORT = "image.import";

  /** No parameters, to {@link Images}. */
  public static final String IMAGE_LIST = "image.list";

  /** {@link ImageRef} to {@link Image}, the one that was removed. */
  public static final String IMAGE_REMOVE = "image.remove";

  /** {@link SnapshotBuild} to {@link Started}; ends with {@link Snapshot}. */
  public static final String SNAPSHOT_BUILD = "snapshot.build";

  /** No parameters, to {@link Snapshots}. */
  public static final String SNAPSHOT_LIST = "snapshot.list";

  /** {@link Run} to {@link Started}; ends with {@link Instance}. */
  public static final String RUN = "run";

  /** No parameters, to {@link Instances}. */
  public static final String PS = "ps";

  /** {@link Handoff} to {@link HandoffStarted}; ends with {@link HandoffDone}. */
  public static final String HANDOFF = "handoff";

  /**
   * {@link Vm} to {@link Vm} with the full title and UUID: what pressing pause in virt-manager
   * does.
   */
  public static final String PAUSE = "vm.pause";

  /** {@link Vm} to {@link Vm}: stops the CPUs and nothing else. */
  public static final String FREEZE = "vm.freeze";

  /** {@link Vm} to {@link Vm}: the CPUs go on. */
  public static final String THAW = "vm.thaw";

  /** {@link Stop} to {@link Started}; ends with {@link Vm}. */
  public static final String STOP = "vm.stop";

  /** No parameters, to {@link Operations}. */
  public static final String OPERATION_LIST = "operation.list";

  /**
   * {@link OperationRef} to {@link Operation}, once it has ended; {@link #PROGRESS} notifications
   * before that.
   */
  public static final String OPERATION_WATCH = "operation.watch";

  /** {@link OperationRef} to {@link Operation}, as it is; cancelling may take a while. */
  public static final String OPERATION_CANCEL = "operation.cancel";

  /** Notification with an {@link Operation}. */
  public static final String PROGRESS = "operation.progress";

  private Api() {}

  public record Hello(String client, String version, int protocol) {}

  /**
   * @param capabilities words for what this agent can do beyond the protocol's version; unknown
   *     ones are to be ignored
   */
  public record Welcome(
      String agent, String version, int protocol, String node, List<String> capabilities) {}

  /**
   * @param operation the id of the operation that was started
   */
  public record Started(String operation) {}

  public record Path(String path) {}

  /**
   * @param path a disk image on the node that qemu-img can read; absolute
   * @param title for virt-manager; {@code nephele-UUID} when absent
   * @param vcpus overrides the template's
   * @param memoryKib overrides the template's, KiB
   * @param pauseWhen a regular expression (java.util.regex) on a line of the serial console that
   *     ends the build
   * @param pauseAfterMs ends the build that long after the VM was started, in ms
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record ImageBuild(
      String path,
      String title,
      Integer vcpus,
      Long memoryKib,
      String pauseWhen,
      Long pauseAfterMs) {}

  /**
   * @param image a 12-hex id, or the image's name where two share an id
   */
  public record ImageRef(String image) {}

  /**
   * @param dest a file on the node that does not exist yet; absolute
   */
  public record ImageExport(String image, String dest) {}

  public record Exported(String path, long bytes) {}

  /**
   * @param id first 12 hex digits of the SHA-256 of the disk
   * @param name the folder under /var/nephele/images: the name of the file it was built from
   * @param source the path it was built or imported from
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Image(
      String id, String name, String source, String created, long diskBytes, long memoryBytes) {}

  public record Images(List<Image> images) {}

  /**
   * @param dest the snapshot's file; a name alone goes below /var/nephele/snapshots, and .zip is
   *     added where it is missing
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record SnapshotBuild(
      String image, String dest, String title, String pauseWhen, Long pauseAfterMs) {}

  /**
   * @param path absolute, on the node
   */
  public record Snapshot(String path, String imageId, String created, long bytes) {}

  public record Snapshots(List<Snapshot> snapshots) {}

  /**
   * @param snapshot a path, or a name below /var/nephele/snapshots with or without .zip
   * @param ports TCP ports, the same on the node and in the guest
   */
  public record Run(String snapshot, String title, List<Integer> ports) {}

  /**
   * @param pid of the QEMU process
   * @param state {@code running}, {@code paused} (by somebody), {@code handoff}
   * @param handoffUrl {@code ssh://DEST} while it is being handed off
   * @param clockSet whether the guest agent set the guest's clock; null where it was not tried
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Instance(
      long pid,
      String title,
      List<Integer> ports,
      String uuid,
      String snapshot,
      String host,
      String started,
      String state,
      String handoffUrl,
      Boolean clockSet) {}

  /**
   * @param lost those that are not there any more, but whose disks were kept; absent from agents
   *     that don't know it
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Instances(List<Instance> instances, List<LostInstance> lost) {}

  /**
   * An instance that ended without its user's will: the node went down, or QEMU died.
   *
   * @param disk the overlay, on the node; {@link #STOP} with force and the UUID removes it
   */
  public record LostInstance(String title, String uuid, String disk) {}

  /**
   * @param instance a title that exactly one instance has, or a UUID
   */
  public record Handoff(String instance, String destination) {}

  public record HandoffStarted(String operation, String title, String uuid, String url) {}

  /**
   * @param seconds from the command to the instance running at the destination
   * @param downtimeMs how long neither end ran, as the source measured it from the pause to the
   *     destination's word that it runs, in ms
   * @param sentBytes and {@code receivedBytes} what went into and came out of the SSH channel to
   *     the destination
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record HandoffDone(
      String title,
      String uuid,
      String destination,
      double seconds,
      long downtimeMs,
      long sentBytes,
      long receivedBytes,
      Boolean clockSet) {}

  /** A VM by title or UUID: an instance, or one that is being built. */
  public record Vm(String vm) {}

  /**
   * @param force pull the plug instead of pressing the power button
   */
  public record Stop(String vm, boolean force) {}

  public record OperationRef(String operation) {}

  /**
   * @param phase one word or two for what it does now
   * @param done and {@code total} of {@code unit} ({@code bytes}, {@code pages} …); total 0 when it
   *     can't be known
   * @param message a sentence for a person, or null
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Progress(String phase, long done, long total, String unit, String message) {}

  /**
   * @param kind the method that started it
   * @param target what it works on, for a person
   * @param state {@code running}, {@code done}, {@code failed} or {@code cancelled}
   * @param result as the method says, when done
   * @param error when failed or cancelled
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Operation(
      String id,
      String kind,
      String target,
      String state,
      String started,
      String ended,
      Progress progress,
      JsonNode result,
      OperationError error) {}

  /**
   * @param code as in JSON-RPC errors
   */
  public record OperationError(int code, String message) {}

  public record Operations(List<Operation> operations) {}
}
