package org.nephele.server.handoff;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.nephele.core.handoff.StreamDigest;

class TallyTest {
  @Test
  void bothEndsComeToTheSameHoweverTheBytesAreCut() throws Exception {
    byte[] bytes = "123456789".getBytes(US_ASCII);
    Tally here = new Tally(3, Relay.QEMU);
    Tally there = new Tally(3, Relay.QEMU);
    here.add(bytes, 0, 9);
    ByteBuffer rest = ByteBuffer.wrap(bytes);
    there.add(rest.slice(0, 4));
    there.add(rest.slice(4, 5));

    // e3069283 is the check value of CRC-32C, as every catalogue of CRCs has it.
    assertThat(here.digest()).isEqualTo(new StreamDigest(3, "qemu", 9, "e3069283"));
    assertThat(there.digest()).isEqualTo(here.digest());
    assertThat(rest.remaining()).isEqualTo(9);

    there.add(bytes, 0, 1);
    assertThat(there.digest()).isNotEqualTo(here.digest());
  }

  @Test
  void everyStreamThatCarriedSomethingMustBeAccountedFor() {
    Tally memory = new Tally(1, Relay.QEMU);
    Tally disk = new Tally(2, Relay.NBD);
    Tally unused = new Tally(3, Relay.NBD);
    memory.add(new byte[] {1, 2}, 0, 2);
    disk.add(new byte[] {3}, 0, 1);
    List<Tally> sent = List.of(memory, disk, unused);

    assertThat(SourceStreams.compare(sent, List.of(memory.digest(), disk.digest()))).isNull();
    assertThat(SourceStreams.compare(sent, List.of(memory.digest()))).contains("nbd");
    assertThat(SourceStreams.compare(sent, List.of(disk.digest()))).contains("qemu");
    assertThat(SourceStreams.compare(List.of(disk), List.of(disk.digest()))).isNotNull();
    StreamDigest other = new StreamDigest(2, Relay.NBD, 1, "00000000");
    assertThat(SourceStreams.compare(sent, List.of(memory.digest(), other)))
        .contains("not what was sent");
  }

  @Test
  void theEndIsWaitedFor() throws Exception {
    Tally tally = new Tally(1, Relay.NBD);
    assertThat(tally.awaitEnd(20)).isFalse();
    tally.end();

    assertThat(tally.awaitEnd(20)).isTrue();
    assertThat(tally.ended()).isTrue();
  }
}
