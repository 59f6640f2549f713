package org.nephele.core.codec;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Whether an old version of a page is worth a place in the dictionary. Stateless. */
final class Resemblance {
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  /** Of 64 words, one in each 64 bytes. Chance alone makes no two equal words that aren't zero. */
  private static final int ENOUGH = 2;

  private Resemblance() {}

  static boolean of(byte[] old, byte[] now) {
    int equal = 0;
    for (int at = 0; at < SentPages.PAGE; at += 64) {
      long word = (long) LONGS.get(old, at);
      if (word != 0 && word == (long) LONGS.get(now, at)) {
        equal++;
      }
    }
    return equal >= ENOUGH;
  }
}
