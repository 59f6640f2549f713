package org.nephele.core.qemu;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Scanner;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * A real QEMU (TCG) that runs the guest of boot.S, spoken to through QMP. {@code
 * qemu-system-x86_64} must be on the path: package qemu-system-x86.
 */
final class QemuProcess implements AutoCloseable {
  /**
   * Not a multiple of 256 KiB: before 9.0, QEMU with TCG loses writes of a guest that runs during
   * its migration otherwise.
   */
  static final String MEMORY = "16392k";

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final long PATIENCE_MS = 60_000;

  private final Path folder;
  private final String name;
  private final Process process;
  private final SocketChannel qmp;
  private final Scanner answers;

  private QemuProcess(Path folder, String name, String memory, List<String> more)
      throws IOException {
    this.folder = folder;
    this.name = name;
    Path disk = folder.resolve("disk.raw");
    if (!Files.exists(disk)) {
      try (InputStream boot = QemuProcess.class.getResourceAsStream("/qemu/boot.bin")) {
        // SeaBIOS takes no disk of one sector.
        byte[] sectors = new byte[1 << 20];
        boot.readNBytes(sectors, 0, 512);
        Files.write(disk, sectors);
      }
    }
    Path socket = folder.resolve(name + ".qmp");
    List<String> command = new ArrayList<>(List.of("qemu-system-x86_64", "-accel", "tcg"));
    command.addAll(List.of("-machine", "q35", "-m", memory, "-nodefaults", "-display", "none"));
    command.addAll(List.of("-serial", "file:" + serial(), "-qmp"));
    command.add("unix:" + socket + ",server=on,wait=off");
    command.add("-drive");
    command.add("if=none,id=d,format=raw,read-only=on,file.locking=off,file=" + disk);
    command.addAll(List.of("-device", "virtio-blk-pci,drive=d"));
    command.addAll(more);
    process = new ProcessBuilder(command).inheritIO().start();
    SocketChannel[] connected = new SocketChannel[1];
    await("QMP", () -> (connected[0] = connect(socket)) != null);
    qmp = connected[0];
    answers = new Scanner(Channels.newInputStream(qmp), StandardCharsets.UTF_8);
    answers.nextLine();
    qmp("qmp_capabilities", Map.of());
  }

  /** Runs the guest. */
  static QemuProcess start(Path folder, String name, String... more) throws IOException {
    return new QemuProcess(folder, name, MEMORY, List.of(more));
  }

  /** Waits for a stream on {@link #incoming}. */
  static QemuProcess waiting(Path folder, String name, String... more) throws IOException {
    List<String> arguments = new ArrayList<>(List.of(more));
    arguments.addAll(List.of("-incoming", "defer"));
    QemuProcess qemu = new QemuProcess(folder, name, MEMORY, arguments);
    qemu.qmp("migrate-incoming", Map.of("uri", "unix:" + folder.resolve(name + ".in")));
    return qemu;
  }

  private static SocketChannel connect(Path socket) {
    try {
      return SocketChannel.open(UnixDomainSocketAddress.of(socket));
    } catch (IOException notYet) {
      return null;
    }
  }

  JsonNode qmp(String command, Map<String, ?> arguments) throws IOException {
    Map<String, ?> request = Map.of("execute", command, "arguments", arguments);
    qmp.write(ByteBuffer.wrap(JSON.writeValueAsBytes(request)));
    while (true) {
      JsonNode answer = JSON.readTree(answers.nextLine());
      if (answer.has("return")) {
        return answer.get("return");
      }
      if (answer.has("error")) {
        throw new IOException(name + ": " + command + ": " + answer.get("error"));
      }
    }
  }

  /** Starts to send the state. The stream comes out of the channel. */
  SocketChannel migrate() throws IOException {
    Path socket = folder.resolve(name + System.nanoTime() + ".out");
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(socket));
      qmp("migrate", Map.of("uri", "unix:" + socket));
      return server.accept();
    }
  }

  /** Where this QEMU takes a stream. */
  SocketChannel incoming() throws IOException {
    return SocketChannel.open(UnixDomainSocketAddress.of(folder.resolve(name + ".in")));
  }

  void awaitMigrated() {
    await("the end of the migration", () -> migrationStatus().equals("completed"));
  }

  JsonNode migration() {
    try {
      return qmp("query-migrate", Map.of());
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private String migrationStatus() {
    String status = migration().path("status").asText();
    if (status.equals("failed")) {
      throw new AssertionError(name + ": the migration failed");
    }
    return status;
  }

  /** The rounds that the guest printed here. */
  List<Integer> rounds() {
    try {
      String text = Files.exists(serial()) ? Files.readString(serial()) : "";
      if (text.contains("!")) {
        throw new AssertionError("the guest found its memory damaged after " + text);
      }
      return text.lines().filter(l -> l.length() == 8).map(l -> Integer.valueOf(l, 16)).toList();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** Lets the guest do that many more rounds. */
  void awaitRounds(int more) {
    int before = rounds().size();
    await("the guest's rounds", () -> rounds().size() >= before + more);
  }

  private Path serial() {
    return folder.resolve(name + ".serial");
  }

  private void await(String what, BooleanSupplier condition) {
    long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(PATIENCE_MS);
    while (!condition.getAsBoolean()) {
      if (!process.isAlive() || System.nanoTime() > deadline) {
        throw new AssertionError(name + ": waited in vain for " + what);
      }
      try {
        Thread.sleep(10);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }

  @Override
  public void close() throws IOException {
    process.destroyForcibly();
    process.onExit().join();
    if (qmp != null) {
      qmp.close();
    }
  }
}
