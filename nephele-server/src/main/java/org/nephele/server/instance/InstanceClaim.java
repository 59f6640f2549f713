package org.nephele.server.instance;

/**
 * Somebody works on an instance, and nobody else may meanwhile. What happens to its domain until
 * the release is the claimant's to judge. Thread-safe.
 */
public final class InstanceClaim implements AutoCloseable {
  private final Instances instances;
  private final Instance instance;
  private final String what;
  private final String handoffUrl;

  InstanceClaim(Instances instances, Instance instance, String what, String handoffUrl) {
    this.instances = instances;
    this.instance = instance;
    this.what = what;
    this.handoffUrl = handoffUrl;
  }

  public Instance instance() {
    return instance;
  }

  /** The end of a sentence that begins with the instance. */
  String what() {
    return what;
  }

  /** Null when this is no handoff. */
  String handoffUrl() {
    return handoffUrl;
  }

  /**
   * The instance runs elsewhere now and its domain here is gone: its record, its disk and its hold
   * on ports and image are removed. To be closed after that all the same.
   */
  public void departed() {
    instances.remove(instance.uuid());
  }

  /** The claimant has seen that the domain is gone, ended on purpose. */
  void domainEnded() {
    instances.ended(instance.uuid());
  }

  /**
   * Gives the instance back. If its domain ended meanwhile, that is dealt with now. More than once
   * does no harm.
   */
  @Override
  public void close() {
    instances.release(this);
  }
}
