package org.nephele.core.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Set;
import org.junit.jupiter.api.Test;

class StreamFeaturesTest {

  @Test
  void capabilitiesThatDoNotChangeTheStreamAreWelcome() {
    assertThat(StreamFeatures.refusal(Set.of(), true)).isEmpty();
    assertThat(
            StreamFeatures.refusal(
                Set.of("events", "return-path", "pause-before-switchover", "auto-converge"), true))
        .isEmpty();
    assertThat(StreamFeatures.refusal(Set.of("postcopy-ram", "release-ram"), false)).isEmpty();
  }

  @Test
  void othersAreRefusedWithASentence() {
    assertThat(StreamFeatures.refusal(Set.of("events", "multifd"), false))
        .contains(
            "The QEMU migration capability multifd must be off: it sends pages over connections of"
                + " their own.");
    assertThat(StreamFeatures.refusal(Set.of("x-brand-new"), false))
        .contains(
            "The QEMU migration capability x-brand-new must be off: Nephele does not know what it"
                + " does to the stream.");
    assertThat(StreamFeatures.refusal(Set.of("postcopy-ram"), true).orElseThrow())
        .contains("huge pages");
  }

  @Test
  void twoOfThemChangeTheBlockList() {
    assertThat(StreamFeatures.of(Set.of("xbzrle"))).isEqualTo(StreamFeatures.NONE);
    assertThat(StreamFeatures.of(Set.of("postcopy-ram", "x-ignore-shared")))
        .isEqualTo(new StreamFeatures(true, true));
  }
}
