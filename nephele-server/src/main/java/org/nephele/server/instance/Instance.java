package org.nephele.server.instance;

import java.nio.file.Path;
import java.util.UUID;

/**
 * An instance of this node, as it was when it was looked up.
 *
 * @param folder below /var/nephele/instances
 */
public record Instance(Path folder, InstanceRecord record) {
  public UUID uuid() {
    return record.uuid();
  }

  /** The overlay. Belongs to QEMU's user while the VM runs. */
  public Path disk() {
    return folder.resolve("disk.qcow2");
  }

  public Path console() {
    return folder.resolve("console.log");
  }
}
