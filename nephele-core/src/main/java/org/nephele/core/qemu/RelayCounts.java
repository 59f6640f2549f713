package org.nephele.core.qemu;

/**
 * What a {@link QemuStreamRelay} has passed on so far.
 *
 * @param bytes all bytes of the stream
 * @param pages pages with content, again each time they are sent
 * @param zeroPages pages without
 * @param deltas XBZRLE pages
 * @param iterations PART sections
 * @param opaqueBytes device state, packages, and what was not understood
 * @param memoryComplete whether the last page has passed; the guest stands still at the source
 * @param opaqueReason why the stream was passed through unparsed, empty unless something came that
 *     the parser does not know
 */
public record RelayCounts(
    long bytes,
    long pages,
    long zeroPages,
    long deltas,
    int iterations,
    long opaqueBytes,
    boolean memoryComplete,
    String opaqueReason) {}
