package org.nephele.core.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nephele.core.reference.PageIndexBuilder.Extent;
import org.nephele.core.reference.PageIndexBuilder.Source;

class PageIndexTest {
  private static final int PAGE = PageFile.PAGE;
  private static final int PAGES = 2000;
  private static final String SHA = "0123456789abcdef".repeat(4);

  @TempDir Path folder;

  private final byte[] disk = new byte[PAGES * PAGE - 100];
  private final byte[] memory = new byte[PAGES * PAGE];
  private Path index;
  private ContentId id;
  private PageFile diskFile;
  private PageFile memoryFile;

  @BeforeEach
  void files() throws IOException {
    Random random = new Random(3);
    random.nextBytes(disk);
    random.nextBytes(memory);
    Arrays.fill(disk, 10 * PAGE, 400 * PAGE, (byte) 0);
    System.arraycopy(disk, 500 * PAGE, memory, 600 * PAGE, 100 * PAGE);
    diskFile = PageFile.open(Files.write(folder.resolve("disk.raw"), disk));
    memoryFile = PageFile.open(Files.write(folder.resolve("memory.raw"), memory));
    index = folder.resolve("index");
    id = new ContentId(disk.length, memory.length, SHA, SHA.replace('0', '9'));
  }

  private List<Source> sources(Optional<List<Extent>> extents) {
    return List.of(
        new Source(Location.DISK, folder.resolve("disk.raw"), extents),
        new Source(Location.MEMORY, folder.resolve("memory.raw"), Optional.empty()));
  }

  private void build(Optional<List<Extent>> extents, int threads) throws IOException {
    new PageIndexBuilder(sources(extents), threads).build(index, id, (done, total) -> {});
  }

  /** The location of a page with this content, found as an encoder does. */
  private int find(PageIndex opened, byte[] page) {
    byte[] there = new byte[PAGE];
    References references = new References(Optional.of(diskFile), Optional.of(memoryFile));
    return opened.find(
        PageHash.XXH3.of(page, 0, PAGE),
        location -> {
          references.read(location, there);
          return Arrays.equals(there, page);
        });
  }

  @Test
  void every_page_is_found_but_zeros() throws Exception {
    build(Optional.empty(), 2);
    PageIndex opened = PageIndex.open(index, id);
    assertThat(opened.entries()).isEqualTo(2 * PAGES - 390 - 100);
    byte[] page = new byte[PAGE];
    for (int i = 0; i < PAGES; i++) {
      diskFile.read(i, page, 0);
      if (i >= 10 && i < 400) {
        assertThat(find(opened, page)).isZero();
      } else {
        assertThat(find(opened, page)).isNotZero();
      }
      memoryFile.read(i, page, 0);
      assertThat(find(opened, page)).isNotZero();
    }
    new Random(4).nextBytes(page);
    assertThat(find(opened, page)).isZero();
  }

  @Test
  void only_the_extents_are_read() throws Exception {
    build(Optional.of(List.of(new Extent(0, 10 * PAGE), new Extent(400 * PAGE, 100 * PAGE))), 1);
    PageIndex opened = PageIndex.open(index, id);
    assertThat(opened.entries()).isEqualTo(110 + PAGES);
    byte[] page = new byte[PAGE];
    diskFile.read(499, page, 0);
    assertThat(Location.page(find(opened, page))).isEqualTo(499);
    diskFile.read(1500, page, 0);
    assertThat(find(opened, page)).isZero();
  }

  @Test
  void a_hash_that_always_collides_gives_a_small_and_harmless_index() throws Exception {
    new PageIndexBuilder(sources(Optional.empty()), 1, (bytes, at, length) -> 7)
        .build(index, id, (done, total) -> {});
    assertThat(PageIndex.open(index, id).entries()).isEqualTo(1);
  }

  @Test
  void progress_is_told_and_can_give_up() throws Exception {
    List<Long> told = new ArrayList<>();
    new PageIndexBuilder(sources(Optional.empty()), 2)
        .build(index, id, (done, total) -> told.add(done));
    assertThat(told).isSorted().last().isEqualTo((long) disk.length + memory.length);
    Files.delete(index);
    assertThatThrownBy(
            () ->
                new PageIndexBuilder(sources(Optional.empty()), 2)
                    .build(
                        index,
                        id,
                        (done, total) -> {
                          throw new IOException("cancelled");
                        }))
        .hasMessage("cancelled");
    try (var files = Files.list(folder)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .containsExactlyInAnyOrder("disk.raw", "memory.raw");
    }
  }

  @Test
  void an_index_of_something_else_is_refused() throws Exception {
    build(Optional.empty(), 1);
    for (ContentId other :
        List.of(
            new ContentId(disk.length + 1, memory.length, SHA, SHA.replace('0', '9')),
            new ContentId(disk.length, memory.length + 1, SHA, SHA.replace('0', '9')),
            new ContentId(disk.length, memory.length, SHA, SHA),
            new ContentId(disk.length, memory.length, "", SHA.replace('0', '9')))) {
      assertThatThrownBy(() -> PageIndex.open(index, other)).hasMessageContaining("another image");
    }
  }

  @Test
  void a_damaged_index_is_refused_or_harmless() throws Exception {
    build(Optional.empty(), 1);
    byte[] good = Files.readAllBytes(index);
    for (int at = 0; at < 112; at++) {
      byte[] bad = good.clone();
      bad[at] ^= 1;
      Files.write(index, bad);
      assertThatThrownBy(() -> PageIndex.open(index, id)).isInstanceOf(IOException.class);
    }
    Files.write(index, Arrays.copyOf(good, good.length - 1));
    assertThatThrownBy(() -> PageIndex.open(index, id)).isInstanceOf(IOException.class);
    // Locations that don't exist are for the caller to see: References.has.
    Arrays.fill(good, PageIndex.HEADER, good.length, (byte) 0xff);
    Files.write(index, good);
    References references = new References(Optional.of(diskFile), Optional.of(memoryFile));
    assertThat(PageIndex.open(index, id).find(0xffff_ffffL, references::has)).isZero();
  }

  @Test
  void a_file_left_by_a_killed_build_is_replaced() throws Exception {
    Files.write(folder.resolve("index.tmp"), new byte[5000]);
    build(Optional.empty(), 1);
    assertThat(PageIndex.open(index, id).entries()).isPositive();
    assertThat(folder.resolve("index.tmp")).doesNotExist();
  }
}
