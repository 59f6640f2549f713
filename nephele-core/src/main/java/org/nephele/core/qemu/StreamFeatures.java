package org.nephele.core.qemu;

import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * The migration capabilities that change the bytes of the stream. The stream does not say which are
 * on, so whoever starts the migration must.
 *
 * @param postcopyRam capability {@code postcopy-ram}
 * @param ignoreShared capability {@code x-ignore-shared}: every block has its guest address
 */
public record StreamFeatures(boolean postcopyRam, boolean ignoreShared) {

  /** No capability that changes the stream. */
  public static final StreamFeatures NONE = new StreamFeatures(false, false);

  private static final Set<String> HARMLESS =
      Set.of(
          "auto-converge",
          "dirty-limit",
          "events",
          "late-block-activate",
          "pause-before-switchover",
          "postcopy-blocktime",
          "postcopy-ram",
          "release-ram",
          "return-path",
          "switchover-ack",
          "validate-uuid",
          "x-ignore-shared",
          "xbzrle",
          "zero-blocks");

  private static final Map<String, String> REFUSED =
      Map.ofEntries(
          Map.entry("background-snapshot", "it sends device state before the memory"),
          Map.entry("block", "it sends disk blocks inside the memory stream"),
          Map.entry("compress", "it sends pages in a form of its own"),
          Map.entry("dirty-bitmaps", "it sends disk bitmaps inside the memory stream"),
          Map.entry("mapped-ram", "it needs a file instead of a stream"),
          Map.entry("multifd", "it sends pages over connections of their own"),
          Map.entry("postcopy-preempt", "it sends pages over a connection of their own"),
          Map.entry("rdma-pin-all", "it is for RDMA only"),
          Map.entry("x-colo", "it never ends the memory stream"),
          Map.entry("zero-copy-send", "it works with multifd only"));

  /** The features of a stream that is sent with these capabilities on. */
  public static StreamFeatures of(Set<String> enabledCapabilities) {
    return new StreamFeatures(
        enabledCapabilities.contains("postcopy-ram"),
        enabledCapabilities.contains("x-ignore-shared"));
  }

  /**
   * Why a stream with these capabilities can't be parsed, to be asked before a migration starts.
   *
   * @param enabledCapabilities names as QMP {@code query-migrate-capabilities} gives them
   * @param hugePages whether any of the guest's memory is backed by huge pages
   * @return a sentence for the person who asked for the move, or nothing when all is well
   */
  public static Optional<String> refusal(Set<String> enabledCapabilities, boolean hugePages) {
    if (hugePages && enabledCapabilities.contains("postcopy-ram")) {
      return Optional.of(
          "Memory backed by huge pages can't be moved with the QEMU migration capability"
              + " postcopy-ram: the stream does not tell which blocks have them.");
    }
    for (String name : new TreeSet<>(enabledCapabilities)) {
      if (REFUSED.containsKey(name)) {
        return Optional.of(
            "The QEMU migration capability %s must be off: %s.".formatted(name, REFUSED.get(name)));
      }
      if (!HARMLESS.contains(name)) {
        return Optional.of(
            "The QEMU migration capability %s must be off: Nephele does not know what it does to"
                    .formatted(name)
                + " the stream.");
      }
    }
    return Optional.empty();
  }
}
