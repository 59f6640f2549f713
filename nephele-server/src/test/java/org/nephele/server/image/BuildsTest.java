package org.nephele.server.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.Settings;
import org.nephele.server.libvirt.DomainXml;
import org.nephele.server.libvirt.Hypervisor;
import org.nephele.server.operation.Work;

/** With libvirt's test driver, which has none of the builds' domains. */
class BuildsTest {
  @TempDir Path folder;

  @Test
  void anAgentThatStopsEndsItsBuildsAndBeginsNoOther() throws Exception {
    Settings defaults = Settings.defaults();
    Hypervisor hypervisor =
        Hypervisor.open(
            new Settings(
                defaults.accelerator(),
                defaults.emulator(),
                defaults.cpuModel(),
                defaults.machine(),
                "127.0.0.1",
                "test:///default",
                defaults.nodeKey()));
    try {
      Path file =
          Files.writeString(
              folder.resolve("domain.xml"),
              "<domain type='qemu'><name>x</name><uuid>8a4f1d0c-0000-4000-8000-000000000001</uuid>"
                  + "<title>x</title><memory>65536</memory><os><type>hvm</type></os></domain>");
      DomainXml xml = DomainXml.read(file);
      Builds builds = new Builds(hypervisor);
      Build build = builds.begin(new Work(), xml, "the image x");
      assertThat(builds.find("x")).containsExactly(build);

      long start = System.nanoTime();
      builds.endAll(Duration.ofMillis(300));
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofMillis(290));
      Thread operation = new Thread(build::close);
      operation.start();
      builds.endAll(Duration.ofMinutes(1));
      operation.join();

      assertThat(builds.find("x")).isEmpty();
      assertThatThrownBy(() -> builds.begin(new Work(), xml, "the image x"))
          .isInstanceOf(NepheleException.class)
          .hasMessageContaining("being stopped");
    } finally {
      hypervisor.close();
    }
  }
}
