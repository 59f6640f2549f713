package org.nephele.server.instance;

import java.io.IOException;

/**
 * An instance that is being made, or is arriving. It has its folder, ports and image; the rest is
 * up to whoever makes it. Unless it is committed, closing it removes everything but the domain,
 * which must be gone by then. For one thread.
 */
public final class NewInstance implements AutoCloseable {
  private final Instances instances;
  private final Instance instance;
  private boolean done;

  NewInstance(Instances instances, Instance instance) {
    this.instances = instances;
    this.instance = instance;
  }

  /** Folder, paths and record. The disk does not exist yet. */
  public Instance instance() {
    return instance;
  }

  /** Its domain is known to be gone: it will be a lost instance when it is committed. */
  public void domainEnded() {
    instances.ended(instance.uuid());
  }

  /** It is an instance from now on, durably, and can be found. */
  public Instance commit() throws IOException {
    Instance committed = instances.commit(instance.uuid());
    done = true;
    return committed;
  }

  @Override
  public void close() {
    if (!done) {
      instances.remove(instance.uuid());
    }
  }
}
