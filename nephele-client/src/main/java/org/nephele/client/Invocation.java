package org.nephele.client;

import org.nephele.core.protocol.NepheleException;

/**
 * One run of the program: which host, how to get there, and where to write.
 *
 * @param host as it was typed
 */
public record Invocation(String host, Connector connector, Console console) {

  public AgentConnection connect() throws NepheleException {
    return connector.connect(host);
  }
}
