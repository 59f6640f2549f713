package org.nephele.server.handoff;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class InOrderTest {
  private final CountDownLatch busy = new CountDownLatch(1);
  private final CountDownLatch over = new CountDownLatch(1);
  private final List<String> done = new CopyOnWriteArrayList<>();

  private void slow() {
    try {
      busy.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
    done.add("slow");
  }

  @Test
  void theEndWaitsForWhatWasSaidBefore() throws Exception {
    InOrder work = new InOrder("test", 1);
    assertThat(work.offer(this::slow)).isTrue();
    while (!work.offer(() -> done.add("abort"))) {
      Thread.onSpinWait(); // the first is being taken up
    }
    assertThat(work.offer(() -> done.add("one too many"))).isFalse();
    work.last(
        () -> {
          done.add("lost");
          over.countDown();
        });
    assertThat(work.offer(() -> done.add("too late"))).isFalse();
    assertThat(done).isEmpty();

    busy.countDown();
    over.await();
    assertThat(done).containsExactly("slow", "abort", "lost");
  }

  @Test
  void aTaskThatFailsDoesNotEndTheRest() throws Exception {
    InOrder work = new InOrder("test", 2);
    work.offer(
        () -> {
          throw new IllegalStateException("for the test");
        });
    work.last(over::countDown);

    over.await();
  }
}
