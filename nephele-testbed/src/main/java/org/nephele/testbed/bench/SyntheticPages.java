package org.nephele.testbed.bench;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Random;

/** Pages that compress about as a guest's do: text, records with pointers, and some noise. */
final class SyntheticPages {
  static final int PAGE = 4096;

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
    int session = random.nextInt(1 << 20);
    while (page.remaining() > 120) {
      String line =
          "session %d of user %d started at %d, last page /shop/item/%d\n"
              .formatted(
                  session++, random.nextInt(500), 1_700_000_000 + session, random.nextInt(90));
      page.put(line.getBytes(StandardCharsets.US_ASCII));
    }
  }

  private void records(ByteBuffer page, int bytes) {
    int end = page.position() + bytes;
    long heap = 0x7f3a_0000_0000L + random.nextInt(64) * 0x10_0000L;
    while (page.position() < end) {
      page.putLong(Long.reverseBytes(heap + random.nextInt(1 << 12) * 64L));
      page.putInt(random.nextInt(16)).putInt(3);
      page.putLong(Long.reverseBytes(heap + page.position()));
      page.putLong(random.nextInt(8) == 0 ? random.nextLong() : 0);
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
