package org.nephele.core.ssh;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.util.OptionalInt;
import java.util.function.Supplier;
import org.apache.sshd.client.channel.ClientChannel;

/**
 * A duplex stream inside an SSH connection. Reads and writes block; a write blocks while the other
 * side does not read. Output is gathered into packets: {@code flush} sends what is there.
 *
 * <p>One thread may read while another writes, and any thread may {@link #close}, which ends both
 * with an IOException. The end of the input (-1) is only ever reported when the other side has
 * ended its output; when the connection is lost before that, reading throws.
 */
public final class SshStream implements Closeable {
  private final ClientChannel channel;
  private final Inbox inbox;
  private final Output output;
  private final Supplier<String> errorText;
  private final SshConnection connection;
  private volatile boolean closed;

  SshStream(
      SshConnection connection, ClientChannel channel, Inbox inbox, Supplier<String> errorText) {
    this.channel = channel;
    this.inbox = inbox;
    this.errorText = errorText;
    this.connection = connection;
    this.output = new Output(channel.getInvertedIn());
    channel.addCloseFutureListener(future -> inbox.fail(connection.whyClosed()));
  }

  public InputStream in() {
    return inbox;
  }

  /** Closing it is {@link #endOutput}. */
  public OutputStream out() {
    return output;
  }

  /** Sends what is written and says that nothing more comes; reading goes on. */
  public void endOutput() throws IOException {
    output.close();
  }

  /**
   * What a command wrote to its stderr, at most 4 KiB of it; empty for sockets. Hostile: to be
   * cleaned before it is shown.
   */
  public String errorText() {
    return errorText.get();
  }

  /** Of a command that has ended by itself. */
  public OptionalInt exitStatus() {
    Integer status = channel.getExitStatus();
    return status == null ? OptionalInt.empty() : OptionalInt.of(status);
  }

  /** Whether the stream can still carry something. */
  public boolean isOpen() {
    return channel.isOpen();
  }

  /**
   * Ends both directions at once; what was written and not flushed is lost. Never blocks for the
   * network. Idempotent.
   */
  @Override
  public void close() {
    closed = true;
    inbox.drop(new IOException("the stream was closed"));
    channel.close(false);
  }

  private final class Output extends OutputStream {
    private final OutputStream packets;

    Output(OutputStream packets) {
      this.packets = packets;
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] data, int offset, int length) throws IOException {
      try {
        packets.write(data, offset, length);
      } catch (IOException e) {
        throw failed(e);
      }
    }

    @Override
    public void flush() throws IOException {
      try {
        packets.flush();
      } catch (IOException e) {
        throw failed(e);
      }
    }

    @Override
    public void close() throws IOException {
      try {
        packets.close();
      } catch (IOException e) {
        throw failed(e);
      }
    }

    private IOException failed(IOException cause) {
      if (cause instanceof InterruptedIOException) {
        return cause;
      }
      IOException why = closed ? new IOException("the stream was closed") : connection.whyClosed();
      why.initCause(cause);
      return why;
    }
  }
}
