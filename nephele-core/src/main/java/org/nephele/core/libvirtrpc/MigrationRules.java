package org.nephele.core.libvirtrpc;

import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.nephele.core.libvirtrpc.LibvirtCall.Finish;
import org.nephele.core.libvirtrpc.LibvirtCall.Open;
import org.nephele.core.libvirtrpc.LibvirtCall.Parameter;
import org.nephele.core.libvirtrpc.LibvirtCall.Prepare;
import org.nephele.core.protocol.NepheleException;

/**
 * Lets one migration of one domain pass, exactly as our own agent asks libvirt for it, and nothing
 * else: with more, whoever has a node's key would be root here. A URI with {@code ?command=} makes
 * libvirtd start a program, a log in the XML makes it write a file, and so on. For all connections
 * of one handoff; thread-safe.
 */
public final class MigrationRules implements CallGuard {
  private static final String URI = "qemu:///system";

  private final Expected expected;
  private final Documents documents;
  private Prepare prepared;
  private boolean finished;

  /**
   * What our own agent says.
   *
   * @param name of the domain
   * @param migrateUri where QEMU is to listen for memory
   * @param disksUri where it is to listen for the disk
   * @param flags virDomainMigrateFlags, all of them
   */
  public record Expected(String name, String migrateUri, String disksUri, int flags) {}

  /** Judges what the calls carry. */
  public interface Documents {
    /**
     * @throws NepheleException when it is not the domain that was prepared for
     */
    void checkDomain(String xml) throws NepheleException;

    /**
     * @param xml as the source's libvirtd made it
     * @throws NepheleException when there is more in it than a migration like ours needs
     */
    void checkCookie(String xml) throws NepheleException;
  }

  public MigrationRules(Expected expected, Documents documents) {
    this.expected = expected;
    this.documents = documents;
  }

  @Override
  public synchronized void check(LibvirtCall call) throws IOException {
    try {
      if (call instanceof Open open) {
        require(URI.equals(open.uri()) && open.flags() == 0, "it opens something else than " + URI);
      } else if (call instanceof Prepare prepare) {
        require(prepared == null, "it prepares twice");
        prepare(prepare);
        prepared = prepare;
      } else if (call instanceof Finish finish) {
        require(prepared != null && !finished, "it finishes what it has not prepared");
        finish(finish);
        finished = true;
      }
    } catch (NepheleException e) {
      throw refused(e.getMessage(), e);
    }
  }

  private void prepare(Prepare call) throws IOException, NepheleException {
    require(call.flags() == expected.flags(), "its flags are " + Integer.toHexString(call.flags()));
    Map<String, String> parameters = parameters(call.parameters());
    require(
        parameters.containsKey("migrate_uri")
            && parameters.containsKey("disks_uri")
            && parameters.containsKey("destination_xml"),
        "it does not say where and what");
    documents.checkCookie(cookie(call.cookie()));
  }

  private void finish(Finish call) throws IOException, NepheleException {
    require(call.flags() == expected.flags(), "its flags are " + Integer.toHexString(call.flags()));
    parameters(call.parameters());
    // When it cancels early, the source's libvirtd has nothing to say.
    if (call.cookie().length > 0) {
      documents.checkCookie(cookie(call.cookie()));
    }
  }

  /** By name; each is one that we send, with the value that we send. */
  private Map<String, String> parameters(Iterable<Parameter> all)
      throws IOException, NepheleException {
    Map<String, String> byName = new HashMap<>();
    for (Parameter parameter : all) {
      require(parameter.value() instanceof String, "it has a parameter " + parameter.name());
      String value = (String) parameter.value();
      require(byName.put(parameter.name(), value) == null, "it repeats " + parameter.name());
      switch (parameter.name()) {
        case "migrate_uri" -> require(value.equals(expected.migrateUri()), "it goes to " + value);
        case "disks_uri" -> require(value.equals(expected.disksUri()), "its disk goes to " + value);
        case "destination_name" ->
            require(value.equals(expected.name()), "it calls the domain " + value);
        case "destination_xml" -> documents.checkDomain(value);
        default -> throw refused("it has a parameter " + parameter.name(), null);
      }
    }
    return byName;
  }

  /** libvirt sends the text with the NUL that ends it. */
  private static String cookie(byte[] bytes) throws IOException {
    require(bytes.length > 1 && bytes[bytes.length - 1] == 0, "its cookie is not a text");
    return XdrReader.decode(Arrays.copyOf(bytes, bytes.length - 1));
  }

  private static void require(boolean condition, String otherwise) throws IOException {
    if (!condition) {
      throw refused(otherwise, null);
    }
  }

  private static RefusedCallException refused(String why, Exception cause) {
    String cut = why.length() > 1000 ? why.substring(0, 1000) + "…" : why;
    return new RefusedCallException(
        "libvirt's call is not one of a handoff like ours: " + cut, cause);
  }
}
