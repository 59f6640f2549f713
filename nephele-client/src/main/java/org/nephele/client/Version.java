package org.nephele.client;

import java.util.Optional;

/** The version of this program. */
final class Version {
  /** From the jar's manifest; "development" where it runs from classes. */
  static final String VERSION =
      Optional.ofNullable(Version.class.getPackage().getImplementationVersion())
          .orElse("development");

  private Version() {}
}
