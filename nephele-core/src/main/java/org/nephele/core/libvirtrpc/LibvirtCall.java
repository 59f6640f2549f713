package org.nephele.core.libvirtrpc;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** A call that libvirt's client makes to the destination of a managed migration, decoded. */
public sealed interface LibvirtCall {
  /** The connection is to be to this driver. */
  record Open(String uri, int flags) implements LibvirtCall {}

  /** What this libvirtd can do. */
  record SupportsFeature(int feature) implements LibvirtCall {}

  /** Any of those that have no arguments. */
  record Plain(int procedure) implements LibvirtCall {}

  /**
   * A QEMU is to be started and wait.
   *
   * @param cookie what the source's libvirtd has to say, XML and a NUL
   * @param flags virDomainMigrateFlags
   */
  record Prepare(List<Parameter> parameters, byte[] cookie, int flags) implements LibvirtCall {}

  /**
   * It has everything, or is to be killed.
   *
   * @param cookie as in {@link Prepare}
   */
  record Finish(List<Parameter> parameters, byte[] cookie, int flags, boolean cancelled)
      implements LibvirtCall {}

  /**
   * @param value a String, Integer, Long, Double or Boolean
   */
  record Parameter(String name, Object value) {}

  /** A cookie of a VM with one disk has some KiB; a tenth of that for each CPU feature. */
  int MOST_COOKIE = 64 << 10;

  /** UTF-8 of the longest XML that is read at all; some 10 KiB are usual. */
  int MOST_XML = 2 << 20;

  /**
   * @throws RefusedCallException when it is not one of these, or not whole
   */
  static LibvirtCall decode(LibvirtPacket packet) throws IOException {
    if (packet.program() != LibvirtPacket.PROGRAM_REMOTE
        || packet.version() != LibvirtPacket.VERSION
        || packet.type() != LibvirtPacket.CALL
        || packet.status() != LibvirtPacket.STATUS_OK
        || !Procedures.allowed(packet.procedure())) {
      throw new RefusedCallException(
          "libvirt made a call that does not belong to a handoff (" + packet + ").");
    }
    XdrReader in = new XdrReader(packet.bytes(), LibvirtPacket.HEAD);
    LibvirtCall call =
        switch (packet.procedure()) {
          case Procedures.OPEN -> new Open(in.bool() ? in.text(1024) : null, in.word());
          case Procedures.SUPPORTS_FEATURE -> new SupportsFeature(in.word());
          case Procedures.PREPARE -> new Prepare(parameters(in), in.opaque(MOST_COOKIE), in.word());
          case Procedures.FINISH ->
              new Finish(parameters(in), in.opaque(MOST_COOKIE), in.word(), in.word() != 0);
          default -> new Plain(packet.procedure());
        };
    in.end();
    return call;
  }

  private static List<Parameter> parameters(XdrReader in) throws IOException {
    int count = in.count(16);
    List<Parameter> parameters = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String name = in.text(80);
      int type = in.word();
      Object value =
          switch (type) {
            case 1, 2 -> in.word();
            case 3, 4 -> in.hyper();
            case 5 -> Double.longBitsToDouble(in.hyper());
            case 6 -> in.bool();
            case 7 -> in.text(MOST_XML);
            default -> throw XdrReader.malformed("a parameter of the type " + type);
          };
      parameters.add(new Parameter(name, value));
    }
    return List.copyOf(parameters);
  }
}
