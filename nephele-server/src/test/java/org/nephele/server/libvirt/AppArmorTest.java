package org.nephele.server.libvirt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Needs the package apparmor; not a kernel that enforces it. */
class AppArmorTest {
  private static final Path PARSER = Path.of("/usr/sbin/apparmor_parser");

  @TempDir Path folder;

  @Test
  void theParserTakesOurRules() throws Exception {
    assumeThat(PARSER).as("package apparmor").isExecutable();
    Path profile = folder.resolve("profile");
    // As libvirt's generated profiles include them.
    Files.writeString(
        profile,
        """
        #include <tunables/global>
        profile nephele-test flags=(attach_disconnected) {
          #include <abstractions/base>
          #include <abstractions/nephele-qemu>
        }
        """);
    Process process =
        new ProcessBuilder(
                PARSER.toString(),
                "--skip-kernel-load",
                "--skip-cache",
                "--Include",
                Path.of("src/dist/etc/apparmor.d").toAbsolutePath().toString(),
                profile.toString())
            .redirectErrorStream(true)
            .start();
    process.getOutputStream().close();
    String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

    assertThat(process.waitFor()).as(printed).isZero();
  }
}
