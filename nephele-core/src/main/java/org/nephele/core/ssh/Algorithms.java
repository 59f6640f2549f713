package org.nephele.core.ssh;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.sshd.client.ClientBuilder;
import org.apache.sshd.client.SshClient;
import org.apache.sshd.client.auth.pubkey.UserAuthPublicKeyFactory;
import org.apache.sshd.client.config.hosts.HostConfigEntryResolver;
import org.apache.sshd.common.NamedFactory;
import org.apache.sshd.common.cipher.BuiltinCiphers;
import org.apache.sshd.common.compression.BuiltinCompressions;
import org.apache.sshd.common.kex.BuiltinDHFactories;
import org.apache.sshd.common.mac.BuiltinMacs;
import org.apache.sshd.common.random.JceRandomFactory;
import org.apache.sshd.common.signature.BuiltinSignatures;
import org.apache.sshd.common.signature.Signature;
import org.apache.sshd.core.CoreModuleProperties;

/** What we offer to the other side, and how MINA is set up. */
final class Algorithms {
  /** Longer than anything lasts; MINA has no way to say "for ever" here. */
  private static final Duration VERY_LONG = Duration.ofDays(3650);

  private static final Map<String, List<BuiltinSignatures>> SIGNATURES =
      Map.of(
          "ssh-ed25519", List.of(BuiltinSignatures.ed25519),
          "ecdsa-sha2-nistp256", List.of(BuiltinSignatures.nistp256),
          "ecdsa-sha2-nistp384", List.of(BuiltinSignatures.nistp384),
          "ecdsa-sha2-nistp521", List.of(BuiltinSignatures.nistp521),
          "ssh-rsa", List.of(BuiltinSignatures.rsaSHA512, BuiltinSignatures.rsaSHA256));

  private static final List<String> KEY_TYPES =
      List.of(
          "ssh-ed25519",
          "ecdsa-sha2-nistp256",
          "ecdsa-sha2-nistp384",
          "ecdsa-sha2-nistp521",
          "ssh-rsa");

  private Algorithms() {}

  /** A client for one connection, not started. */
  static SshClient client(SshOptions options, HostKeyCheck check, Identities identities) {
    JdkEd25519.register();
    SshClient client =
        ClientBuilder.builder()
            .randomFactory(JceRandomFactory.INSTANCE)
            .keyExchangeFactories(
                NamedFactory.setUpTransformedFactories(
                    false,
                    List.of(
                        BuiltinDHFactories.curve25519,
                        BuiltinDHFactories.curve25519_libssh,
                        BuiltinDHFactories.ecdhp256,
                        BuiltinDHFactories.ecdhp384,
                        BuiltinDHFactories.ecdhp521,
                        BuiltinDHFactories.dhg16_512,
                        BuiltinDHFactories.dhg14_256),
                    ClientBuilder.DH2KEX))
            .signatureFactories(signatures(check.types()))
            // GCM first: with the JDK's intrinsics several times as fast as chacha20 in Java.
            .cipherFactories(
                List.of(
                    BuiltinCiphers.aes128gcm,
                    BuiltinCiphers.aes256gcm,
                    BuiltinCiphers.aes128ctr,
                    BuiltinCiphers.aes256ctr,
                    BuiltinCiphers.cc20p1305_openssh))
            .macFactories(
                List.of(
                    BuiltinMacs.hmacsha256etm,
                    BuiltinMacs.hmacsha512etm,
                    BuiltinMacs.hmacsha256,
                    BuiltinMacs.hmacsha512))
            .compressionFactories(List.of(BuiltinCompressions.none))
            .channelFactories(List.of()) // the other side opens nothing here
            .globalRequestHandlers(List.of())
            .serverKeyVerifier(check)
            .hostConfigEntryResolver(HostConfigEntryResolver.EMPTY)
            .build();
    client.setKeyIdentityProvider(identities);
    client.setAgentFactory(identities);
    client.setUserAuthFactories(List.of(UserAuthPublicKeyFactory.INSTANCE));
    client.setNioWorkers(2);
    CoreModuleProperties.WINDOW_SIZE.set(client, options.windowBytes());
    CoreModuleProperties.IDLE_TIMEOUT.set(client, Duration.ZERO); // MINA's own: 10 min
    CoreModuleProperties.AUTH_TIMEOUT.set(client, options.connectTimeout().multipliedBy(3));
    CoreModuleProperties.WAIT_FOR_SPACE_TIMEOUT.set(client, VERY_LONG); // MINA's own: 30 s
    CoreModuleProperties.TCP_NODELAY.set(client, true);
    CoreModuleProperties.REQUEST_EXEC_REPLY.set(client, true);
    if (!options.heartbeat().isZero()) {
      CoreModuleProperties.HEARTBEAT_INTERVAL.set(client, options.heartbeat());
      CoreModuleProperties.HEARTBEAT_REQUEST.set(client, "keepalive@openssh.com");
      CoreModuleProperties.HEARTBEAT_NO_REPLY_MAX.set(client, 4);
    }
    return client;
  }

  /**
   * All that we verify, those first of whose types we know a key: a server with several keys then
   * shows us one that we can check.
   */
  private static List<NamedFactory<Signature>> signatures(Set<String> known) {
    List<NamedFactory<Signature>> first = new ArrayList<>();
    List<NamedFactory<Signature>> rest = new ArrayList<>();
    for (String type : KEY_TYPES) {
      (known.contains(type) ? first : rest).addAll(SIGNATURES.get(type));
    }
    first.addAll(rest);
    return first;
  }
}
