package org.nephele.core.ssh;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import org.apache.sshd.client.channel.ChannelExec;

/**
 * A command at the other side, its stdin and stdout as a stream, the beginning of its stderr kept.
 */
final class ExecChannel extends ChannelExec {
  private static final int MAX_ERROR_TEXT = 4096;

  private final Inbox inbox = new Inbox(this::consumed);
  private final ByteArrayOutputStream errors = new ByteArrayOutputStream();

  ExecChannel(String command) {
    super(command, null, Map.of());
  }

  Inbox inbox() {
    return inbox;
  }

  String errorText() {
    synchronized (errors) {
      return errors.toString(StandardCharsets.UTF_8);
    }
  }

  @Override
  protected void doWriteData(byte[] data, int offset, long length) {
    inbox.add(Arrays.copyOfRange(data, offset, offset + (int) length));
  }

  @Override
  protected void doWriteExtendedData(byte[] data, int offset, long length) throws IOException {
    synchronized (errors) {
      errors.write(data, offset, (int) Math.min(length, MAX_ERROR_TEXT - errors.size()));
    }
    consumed((int) length);
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
