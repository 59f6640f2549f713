package org.nephele.server.operation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import org.junit.jupiter.api.Test;

class WorkTest {
  @Test
  void whatIsDecidedIsNoMatterOfCancelling() {
    Work work = new Work();
    work.cancel();
    assertThat(work.isCancelled()).isTrue();

    work.tooLateToCancel();
    assertThat(work.isCancelled()).isFalse();
    assertThatCode(work::checkCancelled).doesNotThrowAnyException();
  }
}
