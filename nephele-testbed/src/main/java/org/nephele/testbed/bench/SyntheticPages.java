package org.nephele.testbed.bench;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Random;

/** Pages that compress about as a guest's do: text, records with pointers, and some noise. */
final class SyntheticPages {
  static final int PAGE = 4096;

  private static final String[] WORDS =
      ("the node moved its guest over a slow link and every page that both ends held was named not"
              + " sent session user price item index order shelf started at last value null true")
          .split(" ");

  private final Random random;

  SyntheticPages(long seed) {
    random = new Random(seed);
  }

  /** Fills the buffer's pages, a quarter each of text, records, half empty records, and noise. */
  byte[] pages(int count) {
    byte[] bytes = new byte[count * PAGE];
    for (int i = 0; i < count; i++) {
      ByteBuffer page = ByteBuffer.wrap(bytes, i * PAGE, PAGE);
      switch (i % 8) {
        case 0, 1, 2 -> text(page);
        case 3, 4 -> records(page, PAGE);
        case 5, 6 -> records(page, PAGE / 2);
        default -> noise(page);
      }
    }
    return bytes;
  }

  private void text(ByteBuffer page) {
    while (page.remaining() > 16) {
      page.put(WORDS[random.nextInt(WORDS.length)].getBytes(StandardCharsets.US_ASCII));
      page.put((byte) (random.nextInt(9) == 0 ? '0' + random.nextInt(10) : ' '));
    }
  }

  private void records(ByteBuffer page, int bytes) {
    int end = page.position() + bytes;
    long heap = 0x7f3a_0000_0000L + random.nextInt(64) * 0x10_0000L;
    while (page.position() < end) {
      page.putLong(Long.reverseBytes(heap + random.nextInt(1 << 20)));
      page.putInt(random.nextInt(1000)).putInt(3);
      page.putLong(Long.reverseBytes(heap + random.nextInt(1 << 14)));
      page.putLong(random.nextInt(4) == 0 ? random.nextLong() : 0);
    }
  }

  private void noise(ByteBuffer page) {
    byte[] bytes = new byte[PAGE];
    random.nextBytes(bytes);
    page.put(bytes);
  }

  /** Changes bytes at random places to random values, in every page of a copy. */
  byte[] changed(byte[] pages, int bytesInPage) {
    byte[] copy = pages.clone();
    for (int page = 0; page < copy.length; page += PAGE) {
      for (int i = 0; i < bytesInPage; i++) {
        copy[page + random.nextInt(PAGE)] = (byte) random.nextInt();
      }
    }
    return copy;
  }
}
