package org.nephele.server.libvirt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.Settings;

/** A libvirtd that takes connections and never answers, as a stopped one does. */
@Timeout(60)
class HungLibvirtTest {
  @Test
  void nobodyWaitsForItForEver() throws Exception {
    Path folder = EmbeddedLibvirt.shortFolder();
    Path socket = folder.resolve("s");
    Settings defaults = Settings.defaults();
    Settings settings =
        new Settings(
            defaults.accelerator(),
            defaults.emulator(),
            defaults.cpuModel(),
            defaults.machine(),
            defaults.forwardAddress(),
            "qemu+unix:///system?socket=" + socket,
            defaults.nodeKey());
    try (ServerSocketChannel libvirtd = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      libvirtd.bind(UnixDomainSocketAddress.of(socket));
      Hypervisor hypervisor = Hypervisor.open(settings);
      long began = System.nanoTime();
      CompletableFuture<Void> other =
          CompletableFuture.runAsync(
              () -> assertThatThrownBy(hypervisor::list).isInstanceOf(NepheleException.class));

      assertThatThrownBy(hypervisor::list).hasMessageContaining("does not answer");
      other.join();
      // Both have waited at the same time, and closing waits for nobody.
      hypervisor.close();
      assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(18));
    } finally {
      EmbeddedLibvirt.delete(folder);
    }
  }
}
