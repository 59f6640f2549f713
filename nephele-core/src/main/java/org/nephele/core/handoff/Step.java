package org.nephele.core.handoff;

import java.util.ArrayList;
import java.util.List;

/**
 * What follows from an event: the state that is next, and what to do, in this order.
 *
 * @param <S> the state
 * @param <A> the actions
 */
public record Step<S, A>(S next, List<A> actions) {
  public Step {
    actions = List.copyOf(actions);
  }

  @SafeVarargs
  static <S, A> Step<S, A> to(S next, A... actions) {
    List<A> list = new ArrayList<>();
    for (A action : actions) {
      list.add(action);
    }
    return new Step<>(next, list);
  }
}
