package org.nephele.core.ssh;

import java.io.EOFException;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.security.PublicKey;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.sshd.agent.common.AbstractAgentProxy;
import org.apache.sshd.common.util.buffer.Buffer;
import org.apache.sshd.common.util.buffer.ByteArrayBuffer;

/** An ssh-agent on its unix socket, through the JDK's own unix sockets. For one thread. */
final class AgentClient extends AbstractAgentProxy {
  /** OpenSSH's own limit of an agent's message, in bytes. */
  private static final int MAX_MESSAGE = 256 << 10;

  private final SocketChannel socket;
  private final Identities identities;

  /**
   * @throws IOException when nobody answers there
   */
  AgentClient(Path path, Identities identities) throws IOException {
    super(null);
    this.identities = identities;
    this.socket = SocketChannel.open(UnixDomainSocketAddress.of(path));
  }

  /** The keys that may be used, those that the configuration names first. */
  @Override
  public Iterable<? extends Map.Entry<PublicKey, String>> getIdentities() throws IOException {
    List<Map.Entry<PublicKey, String>> named = new ArrayList<>();
    List<Map.Entry<PublicKey, String>> others = new ArrayList<>();
    for (Map.Entry<PublicKey, String> entry : super.getIdentities()) {
      (identities.names(entry.getKey()) ? named : others).add(entry);
    }
    if (!identities.onlyNamed()) {
      named.addAll(others);
    }
    identities.agentOffered(named.size());
    return named;
  }

  @Override
  protected synchronized Buffer request(Buffer request) throws IOException {
    ByteBuffer out = ByteBuffer.wrap(request.array(), request.rpos(), request.available());
    while (out.hasRemaining()) {
      socket.write(out);
    }
    int length = ByteBuffer.wrap(read(4)).getInt();
    if (length < 1 || length > MAX_MESSAGE) {
      throw new IOException("the ssh-agent answered with a message of " + length + " bytes");
    }
    return new ByteArrayBuffer(read(length));
  }

  private byte[] read(int length) throws IOException {
    ByteBuffer in = ByteBuffer.allocate(length);
    while (in.hasRemaining()) {
      if (socket.read(in) < 0) {
        throw new EOFException("the ssh-agent closed its socket");
      }
    }
    return in.array();
  }

  @Override
  public boolean isOpen() {
    return socket.isOpen();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
