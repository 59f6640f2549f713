package org.nephele.server.handoff;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.nephele.core.handoff.StreamDigest;

/**
 * What has passed one way through a stream, counted and summed, so that both ends can compare.
 * CRC32C finds what a mistake of ours does to the bytes, and costs next to nothing; against
 * tampering there is SSH. Written by one thread, read by any.
 */
final class Tally {
  private final int stream;
  private final String kind;
  private final CRC32C crc = new CRC32C();
  private long bytes;
  private boolean ended;

  Tally(int stream, String kind) {
    this.stream = stream;
    this.kind = kind;
  }

  int stream() {
    return stream;
  }

  String kind() {
    return kind;
  }

  synchronized void add(byte[] data, int offset, int length) {
    crc.update(data, offset, length);
    bytes += length;
  }

  /** Counts what is between position and limit; they stay. */
  synchronized void add(ByteBuffer data) {
    bytes += data.remaining();
    crc.update(data.duplicate());
  }

  /** The stream came to its end in order, and all of it went on. */
  synchronized void end() {
    ended = true;
    notifyAll();
  }

  synchronized boolean ended() {
    return ended;
  }

  synchronized long bytes() {
    return bytes;
  }

  /** Waits for the end, for so many ms at most; returns whether it came. */
  synchronized boolean awaitEnd(long ms) throws InterruptedException {
    long end = System.nanoTime() + ms * 1_000_000;
    while (!ended) {
      long left = (end - System.nanoTime()) / 1_000_000;
      if (left <= 0) {
        return false;
      }
      wait(left);
    }
    return true;
  }

  synchronized StreamDigest digest() {
    return new StreamDigest(stream, kind, bytes, String.format("%08x", crc.getValue()));
  }
}
