package org.nephele.server.instance;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.libvirt.Mark;
import org.nephele.server.libvirt.Vm;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What an agent finds when it starts, or when its node stops. Stateless. */
final class Recovery {
  private static final Logger log = LoggerFactory.getLogger(Recovery.class);

  private Recovery() {}

  /** A build ends with the agent that ran it: its disk lies among the work in progress. */
  static void destroyUnfinishedBuilds(List<Vm> vms) throws NepheleException {
    for (Vm vm : vms) {
      var mark = vm.xml().mark();
      if (mark.isPresent() && mark.get().role() != Mark.Role.INSTANCE) {
        log.warn("Destroying {}, a build whose agent is gone", vm.name());
        vm.destroy();
      }
    }
  }

  /**
   * Whether systemd is stopping everything. Guests that end then were not ended by their user, and
   * nobody wants their disks removed.
   */
  static boolean nodeIsGoingDown() {
    try {
      Process process =
          new ProcessBuilder("systemctl", "is-system-running")
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      try {
        if (!process.waitFor(3, TimeUnit.SECONDS)) {
          log.warn("systemctl does not say whether the node goes down");
          return true;
        }
        String state = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return state.strip().equals("stopping");
      } finally {
        process.destroyForcibly();
      }
    } catch (IOException e) {
      // No systemd, as in tests on a bare machine.
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return true;
    }
  }
}
