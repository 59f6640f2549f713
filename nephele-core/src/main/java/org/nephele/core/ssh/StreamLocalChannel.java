package org.nephele.core.ssh;

import java.io.IOException;
import java.util.Arrays;
import org.apache.sshd.client.channel.AbstractClientChannel;
import org.apache.sshd.client.future.DefaultOpenFuture;
import org.apache.sshd.client.future.OpenFuture;
import org.apache.sshd.common.SshConstants;
import org.apache.sshd.common.SshException;
import org.apache.sshd.common.channel.ChannelOutputStream;
import org.apache.sshd.common.util.buffer.Buffer;

/**
 * A channel to a unix socket at the other side: {@code direct-streamlocal@openssh.com}, OpenSSH's
 * PROTOCOL file, section 2.4: string socket path, string reserved, uint32 reserved. sshd opens the
 * socket as the user that logged in; no process is started.
 */
final class StreamLocalChannel extends AbstractClientChannel {
  private final String path;
  private final Inbox inbox = new Inbox(this::consumed);

  StreamLocalChannel(String path) {
    super("direct-streamlocal@openssh.com");
    this.path = path;
  }

  Inbox inbox() {
    return inbox;
  }

  @Override
  public synchronized OpenFuture open() throws IOException {
    if (isClosing()) {
      throw new SshException("the session has been closed");
    }
    openFuture = new DefaultOpenFuture(path, futureLock);
    Buffer buffer = getSession().createBuffer(SshConstants.SSH_MSG_CHANNEL_OPEN);
    buffer.putString(getChannelType());
    buffer.putUInt(getChannelId());
    buffer.putUInt(getLocalWindow().getSize());
    buffer.putUInt(getLocalWindow().getPacketSize());
    buffer.putString(path);
    buffer.putString("");
    buffer.putUInt(0);
    writePacket(buffer);
    return openFuture;
  }

  @Override
  protected void doOpen() {
    invertedIn =
        new ChannelOutputStream(
            this, getRemoteWindow(), log, SshConstants.SSH_MSG_CHANNEL_DATA, true);
  }

  @Override
  protected void doWriteData(byte[] data, int offset, long length) {
    inbox.add(Arrays.copyOfRange(data, offset, offset + (int) length));
  }

  @Override
  protected void doWriteExtendedData(byte[] data, int offset, long length) throws IOException {
    consumed((int) length); // sockets have no stderr
  }

  @Override
  public void handleEof() throws IOException {
    super.handleEof();
    inbox.end();
  }

  private void consumed(int bytes) throws IOException {
    if (getLocalWindow().isOpen()) {
      getLocalWindow().release(bytes);
    }
  }
}
