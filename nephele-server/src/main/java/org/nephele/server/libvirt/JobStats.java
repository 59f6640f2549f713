package org.nephele.server.libvirt;

import java.util.HashMap;
import java.util.Map;
import org.libvirt.TypedIntParameter;
import org.libvirt.TypedLongParameter;
import org.libvirt.TypedParameter;
import org.libvirt.TypedUintParameter;
import org.libvirt.TypedUlongParameter;

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
    long diskBps) {

  static JobStats of(TypedParameter[] parameters) {
    Map<String, Long> values = new HashMap<>();
    for (TypedParameter parameter : parameters) {
      if (parameter instanceof TypedUlongParameter unsigned) {
        values.put(parameter.field, unsigned.value);
      } else if (parameter instanceof TypedLongParameter signed) {
        values.put(parameter.field, signed.value);
      } else if (parameter instanceof TypedUintParameter unsigned) {
        values.put(parameter.field, (long) unsigned.value);
      } else if (parameter instanceof TypedIntParameter signed) {
        values.put(parameter.field, (long) signed.value);
      }
    }
    return new JobStats(
        values.getOrDefault("time_elapsed", 0L),
        values.getOrDefault("downtime", 0L),
        values.getOrDefault("data_total", 0L),
        values.getOrDefault("data_processed", 0L),
        values.getOrDefault("data_remaining", 0L),
        values.getOrDefault("memory_total", 0L),
        values.getOrDefault("memory_processed", 0L),
        values.getOrDefault("memory_remaining", 0L),
        values.getOrDefault("memory_iteration", 0L),
        values.getOrDefault("memory_dirty_rate", 0L),
        values.getOrDefault("memory_page_size", 0L),
        values.getOrDefault("memory_bps", 0L),
        values.getOrDefault("disk_total", 0L),
        values.getOrDefault("disk_processed", 0L),
        values.getOrDefault("disk_remaining", 0L),
        values.getOrDefault("disk_bps", 0L));
  }
}
