package org.nephele.core.nbd;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

/**
 * Writes to the default export of an NBD server: fixed newstyle negotiation with NBD_OPT_GO, simple
 * replies (NetworkBlockDevice/nbd, doc/proto.md). Requests are sent without waiting for the ones
 * before, and the server does them in any order: they must not overlap unless there is a {@link
 * #flush} between them. The first error that comes back is thrown by a later call, {@link #flush}
 * at the latest. For one thread.
 */
public final class NbdClient implements AutoCloseable {
  private static final long MAGIC = 0x4e42444d41474943L;
  private static final long OPTION_MAGIC = 0x49484156454f5054L;
  private static final long OPTION_REPLY_MAGIC = 0x3e889045565a9L;
  private static final int REQUEST_MAGIC = 0x25609513;
  private static final int REPLY_MAGIC = 0x67446698;

  private static final int FLAG_FIXED_NEWSTYLE = 1;
  private static final int FLAG_NO_ZEROES = 1 << 1;
  private static final int OPTION_GO = 7;
  private static final int REPLY_ACK = 1;
  private static final int REPLY_INFO = 3;
  private static final int INFO_EXPORT = 0;

  private static final int EXPORT_READ_ONLY = 1 << 1;
  private static final int EXPORT_SEND_FLUSH = 1 << 2;
  private static final int EXPORT_SEND_WRITE_ZEROES = 1 << 6;

  private static final int COMMAND_WRITE = 1;
  private static final int COMMAND_DISCONNECT = 2;
  private static final int COMMAND_FLUSH = 3;
  private static final int COMMAND_WRITE_ZEROES = 6;

  /** Every server takes this much in one write. */
  private static final int MOST_WRITE = 1 << 20;

  /** QEMU takes less than 2 GiB. */
  private static final int MOST_ZEROES = 1 << 30;

  /** Requests under way; their replies (16 bytes each) fit into any socket buffer. */
  private static final int WINDOW = 32;

  private final SocketChannel channel;
  private final ByteBuffer request = ByteBuffer.allocate(28);
  private final ByteBuffer reply = ByteBuffer.allocate(16);
  private long sent;
  private long answered;
  private long size;

  private NbdClient(SocketChannel channel) {
    this.channel = channel;
  }

  /**
   * Negotiates.
   *
   * @param channel connected and blocking; closed with the client
   */
  public static NbdClient open(SocketChannel channel) throws IOException {
    NbdClient client = new NbdClient(channel);
    client.negotiate();
    return client;
  }

  private void negotiate() throws IOException {
    ByteBuffer greeting = read(18);
    if (greeting.getLong() != MAGIC || greeting.getLong() != OPTION_MAGIC) {
      throw new IOException("the other end is no NBD server that negotiates");
    }
    int flags = greeting.getShort() & 0xffff;
    if ((flags & FLAG_FIXED_NEWSTYLE) == 0) {
      throw new IOException("the NBD server is too old");
    }
    ByteBuffer hello = ByteBuffer.allocate(4 + 16 + 6);
    hello.putInt(flags & (FLAG_FIXED_NEWSTYLE | FLAG_NO_ZEROES));
    // The option: an empty export name, and no extra information asked for.
    hello.putLong(OPTION_MAGIC).putInt(OPTION_GO).putInt(6).putInt(0).putShort((short) 0);
    write(hello.flip());
    int export = -1;
    while (true) {
      ByteBuffer head = read(20);
      if (head.getLong() != OPTION_REPLY_MAGIC || head.getInt() != OPTION_GO) {
        throw new IOException("the NBD server answered something else than was asked");
      }
      int type = head.getInt();
      int length = head.getInt();
      if (length < 0 || length > 4096) {
        throw new IOException("the NBD server sent an answer of " + length + " bytes");
      }
      ByteBuffer data = read(length);
      if (type == REPLY_ACK) {
        break;
      } else if (type < 0) {
        throw new IOException(
            "the NBD server refused: " + StandardCharsets.UTF_8.decode(data).toString());
      } else if (type == REPLY_INFO && length == 12 && data.getShort() == INFO_EXPORT) {
        size = data.getLong();
        export = data.getShort() & 0xffff;
      }
    }
    int needed = EXPORT_SEND_FLUSH | EXPORT_SEND_WRITE_ZEROES;
    if (export < 0 || (export & needed) != needed || (export & EXPORT_READ_ONLY) != 0) {
      throw new IOException("the NBD server does not let zeros be written and flushed");
    }
  }

  /** Of the export, bytes. */
  public long size() {
    return size;
  }

  public void write(long offset, byte[] bytes, int from, int length) throws IOException {
    for (int done = 0; done < length; done += MOST_WRITE) {
      int piece = Math.min(MOST_WRITE, length - done);
      send(COMMAND_WRITE, offset + done, piece);
      write(ByteBuffer.wrap(bytes, from + done, piece));
    }
  }

  /** The server may make a hole of it. */
  public void writeZeroes(long offset, long length) throws IOException {
    for (long done = 0; done < length; done += MOST_ZEROES) {
      send(COMMAND_WRITE_ZEROES, offset + done, (int) Math.min(MOST_ZEROES, length - done));
    }
  }

  /** Waits until everything before is done, and durable as far as the server cares for that. */
  public void flush() throws IOException {
    // A flush covers only what was answered before it was sent.
    awaitReplies();
    send(COMMAND_FLUSH, 0, 0);
    awaitReplies();
  }

  private void awaitReplies() throws IOException {
    while (answered < sent) {
      awaitReply();
    }
  }

  private void send(int command, long offset, int length) throws IOException {
    while (sent - answered >= WINDOW) {
      awaitReply();
    }
    request.clear().putInt(REQUEST_MAGIC).putShort((short) 0).putShort((short) command);
    request.putLong(sent++).putLong(offset).putInt(length);
    write(request.flip());
  }

  private void awaitReply() throws IOException {
    fill(reply.clear());
    int magic = reply.getInt();
    int error = reply.getInt();
    long handle = reply.getLong();
    if (magic != REPLY_MAGIC || handle < 0 || handle >= sent) {
      throw new IOException("the NBD server sent something that is no reply");
    }
    answered++;
    if (error != 0) {
      throw new IOException("the NBD server could not write (error " + error + ")");
    }
  }

  private ByteBuffer read(int length) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(length);
    fill(buffer);
    return buffer;
  }

  private void fill(ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      if (channel.read(buffer) < 0) {
        throw new EOFException("the NBD server closed the connection");
      }
    }
    buffer.flip();
  }

  private void write(ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }

  /** Says good-bye. What wasn't flushed may be lost. */
  @Override
  public void close() throws IOException {
    try (channel) {
      request
          .clear()
          .putInt(REQUEST_MAGIC)
          .putShort((short) 0)
          .putShort((short) COMMAND_DISCONNECT);
      request.putLong(0).putLong(0).putInt(0);
      write(request.flip());
    }
  }
}
