package org.nephele.core.mux;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/**
 * What carries a session: a pair of byte streams, and how to cut them. Reading and writing happen
 * at the same time, by a thread each.
 *
 * @param in need not be buffered
 * @param out buffers at most until it is flushed
 * @param cut closes both at once, from any thread, so that whoever is blocked in them wakes up
 */
public record Link(InputStream in, OutputStream out, AutoCloseable cut) {

  void close() throws IOException {
    try {
      cut.close();
    } catch (IOException e) {
      throw e;
    } catch (Exception e) {
      throw new IOException(e);
    }
  }
}
