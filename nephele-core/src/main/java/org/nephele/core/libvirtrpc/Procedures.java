package org.nephele.core.libvirtrpc;

import java.util.Map;

/** The calls that libvirt's client makes to the destination of a managed migration. */
final class Procedures {
  static final int OPEN = 1;
  static final int SUPPORTS_FEATURE = 60;
  static final int PREPARE = 303;
  static final int FINISH = 306;

  /** From remote_protocol.x. What isn't here has no business at a handoff. */
  private static final Map<Integer, String> ALLOWED =
      Map.of(
          OPEN,
          "open",
          2,
          "close",
          3,
          "type",
          4,
          "version",
          SUPPORTS_FEATURE,
          "supports feature",
          66,
          "list authentication methods",
          157,
          "library version",
          PREPARE,
          "migrate prepare 3 with parameters",
          FINISH,
          "migrate finish 3 with parameters");

  private Procedures() {}

  static boolean allowed(int procedure) {
    return ALLOWED.containsKey(procedure);
  }
}
