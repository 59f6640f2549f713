package org.nephele.client;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import org.nephele.core.protocol.Api;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.JsonLines;
import org.nephele.core.protocol.Message;
import org.nephele.core.ssh.LocalSshd;

/**
 * An agent that knows two images, a snapshot and two instances and does nothing, on a unix socket.
 */
final class FakeAgent implements AutoCloseable {
  static final String IMAGE = "edbe05049453";
  static final String UUID = "8a4f1d0c-3b52-4c71-9d2e-6f0a1b2c3d4e";

  /** All calls that came, as METHOD PARAMETERS. */
  final List<String> calls = new CopyOnWriteArrayList<>();

  /** What {@code hello} answers. */
  volatile int protocol = Api.VERSION;

  /** The operation that {@code operation.watch} ends with; its progress comes before. */
  volatile Api.Operation end;

  volatile List<Api.Progress> progress = List.of();

  /** Close the connection when an operation is watched. */
  volatile boolean hangUp;

  /** Never answer when an operation is watched. */
  volatile boolean silent;

  volatile List<Api.Instance> instances = List.of(instance("shop", List.of(80, 443), null));
  volatile List<Api.LostInstance> lost = List.of();

  private final Path socket;
  private final ServerSocketChannel server;

  FakeAgent(Path socket) throws IOException {
    this.socket = socket;
    this.server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(socket));
    Thread thread = new Thread(this::accept, "fake agent");
    thread.setDaemon(true);
    thread.start();
  }

  static Api.Instance instance(String title, List<Integer> ports, String handoffUrl) {
    return new Api.Instance(
        4711,
        title,
        ports,
        UUID,
        "/var/nephele/snapshots/webserver.zip",
        "node1",
        "2026-03-01T13:05:09.123Z",
        "running",
        handoffUrl,
        false);
  }

  static Api.Operation done(String kind, Object result) {
    return new Api.Operation(
        "7f3a",
        kind,
        "shop",
        "done",
        "2026-03-01T13:05:09Z",
        "2026-03-01T13:05:19Z",
        null,
        JsonLines.json().valueToTree(result),
        null);
  }

  static Api.Operation failed(String kind, String state, ErrorKind error, String message) {
    return new Api.Operation(
        "7f3a",
        kind,
        "shop",
        state,
        "2026-03-01T13:05:09Z",
        "2026-03-01T13:05:19Z",
        null,
        null,
        new Api.OperationError(error.rpcCode(), message));
  }

  /** A connector that goes to the socket without SSH, whatever the host. */
  Connector connector() {
    return host -> {
      try {
        SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
        return new AgentConnection(
            host, Channels.newInputStream(channel), Channels.newOutputStream(channel), channel);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    };
  }

  static boolean isWatch(String call) {
    return call.startsWith(Api.OPERATION_WATCH);
  }

  private void accept() {
    while (server.isOpen()) {
      try {
        SocketChannel channel = server.accept();
        Thread thread = new Thread(() -> serve(channel), "fake agent connection");
        thread.setDaemon(true);
        thread.start();
      } catch (IOException e) {
        return;
      }
    }
  }

  private void serve(SocketChannel channel) {
    try (channel) {
      InputStream in = Channels.newInputStream(channel);
      OutputStream out = Channels.newOutputStream(channel);
      JsonLines lines = new JsonLines(in, out);
      Optional<Message> message = lines.read();
      while (message.isPresent()) {
        Message.Request request = (Message.Request) message.get();
        calls.add(request.method() + " " + request.params());
        lines.write(answer(request, lines));
        if (request.method().equals(Api.HELLO) && protocol != Api.VERSION) {
          return;
        }
        message = lines.read();
      }
    } catch (IOException e) {
      // The client went away.
    }
  }

  private Message answer(Message.Request request, JsonLines lines) throws IOException {
    JsonNode params = request.params();
    Object result =
        switch (request.method()) {
          case Api.HELLO ->
              new Api.Welcome("nephele-server", "0.1.0", protocol, "node1", List.of("later"));
          case Api.IMAGE_LIST -> new Api.Images(images());
          case Api.IMAGE_REMOVE -> images().get(0);
          case Api.SNAPSHOT_LIST -> new Api.Snapshots(List.of(snapshot()));
          case Api.PS -> new Api.Instances(instances, lost);
          case Api.PAUSE, Api.FREEZE, Api.THAW ->
              params.path("vm").asText().equals("unknown")
                  ? null
                  : new Api.Vm("shop [" + UUID + "]");
          case Api.HANDOFF ->
              new Api.HandoffStarted(
                  "7f3a", "shop", UUID, "ssh://" + params.path("destination").asText());
          case Api.IMAGE_BUILD,
              Api.IMAGE_EXPORT,
              Api.IMAGE_IMPORT,
              Api.SNAPSHOT_BUILD,
              Api.RUN,
              Api.STOP ->
              new Api.Started("7f3a");
          case Api.OPERATION_LIST -> new Api.Operations(List.of(end));
          case Api.OPERATION_CANCEL -> end;
          case Api.OPERATION_WATCH -> watch(lines);
          default -> null;
        };
    return result == null
        ? new Message.Failure(request.id(), ErrorKind.NOT_FOUND, "there is no such VM")
        : new Message.Result(request.id(), JsonLines.json().valueToTree(result));
  }

  private Api.Operation watch(JsonLines lines) throws IOException {
    for (Api.Progress step : progress) {
      Api.Operation now =
          new Api.Operation("7f3a", "x", "shop", "running", "", null, step, null, null);
      lines.write(new Message.Notification(Api.PROGRESS, JsonLines.json().valueToTree(now)));
    }
    if (silent) {
      new Semaphore(0).acquireUninterruptibly();
    }
    if (hangUp) {
      throw new IOException("as asked");
    }
    return end;
  }

  static List<Api.Image> images() {
    String created = "2026-03-01T13:05:09Z";
    return List.of(
        new Api.Image(IMAGE, "win10.qcow2", "/root/win10_base.zip", created, 2L << 30, 1L << 30),
        new Api.Image(
            "ee4720c0ca33", "Win7.img", "/root/win7horizon.zip", created, 2L << 30, 1L << 30));
  }

  static Api.Snapshot snapshot() {
    return new Api.Snapshot(
        "/var/nephele/snapshots/webserver.zip", IMAGE, "2026-03-01T13:05:09Z", 12_600_000);
  }

  @Override
  public void close() throws IOException {
    server.close();
    Files.deleteIfExists(socket);
  }

  /**
   * An sshd and this agent behind it, until stdin ends; prints how to reach them. For measuring the
   * client's start and for making its list of classes.
   */
  public static void main(String[] args) throws IOException {
    try (LocalSshd sshd = LocalSshd.start()) {
      Path home = Files.createDirectories(sshd.folder().resolve("home/.ssh"));
      Files.copy(sshd.knownHosts(), home.resolve("known_hosts"));
      Files.copy(sshd.userKey("ed25519"), home.resolve("id_ed25519"));
      LocalSshd.run("chmod", "600", home.resolve("id_ed25519").toString());
      List<Api.Instance> running = new ArrayList<>();
      running.add(instance("shop", List.of(80, 443), null));
      running.add(instance("mail", List.of(), "ssh://node2"));
      Path socket = sshd.folder().resolve("agent.sock");
      try (FakeAgent agent = new FakeAgent(socket)) {
        agent.instances = running;
        agent.end = done(Api.STOP, new Api.Vm("shop"));
        agent.progress = List.of(new Api.Progress("stopping", 1, 2, "bytes", "waiting"));
        System.out.println(
            "export HOME="
                + home.getParent()
                + " NEPHELE_AGENT_SOCKET="
                + socket
                + " NODE="
                + sshd.address()
                + " PORT="
                + sshd.port());
        System.out.flush();
        while (System.in.read() >= 0) {
          // Until the script that started us closes it.
        }
      }
    }
  }
}
