package org.nephele.server.libvirt;

/**
 * Progress of a migration as libvirt gives it. Bytes unless said otherwise; what it does not tell
 * (yet) is 0.
 *
 * @param elapsedMs since the job began
 * @param downtimeMs measured when it is over, expected before
 * @param memoryIteration round of pre-copy, from 1
 * @param memoryDirtyRate pages per second that the guest dirtied in the last round
 * @param memoryPageSize of {@code memoryDirtyRate}
 * @param memoryBps and {@code diskBps} bytes per second now
 */
public record JobStats(
    long elapsedMs,
    long downtimeMs,
    long dataTotal,
    long dataProcessed,
    long dataRemaining,
    long memoryTotal,
    long memoryProcessed,
    long memoryRemaining,
    long memoryIteration,
    long memoryDirtyRate,
    long memoryPageSize,
    long memoryBps,
    long diskTotal,
    long diskProcessed,
    long diskRemaining,
    long diskBps) {}
