package org.nephele.core.ssh;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.MessageDigest;
import java.security.PublicKey;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Set;
import org.apache.sshd.agent.SshAgent;
import org.apache.sshd.agent.SshAgentFactory;
import org.apache.sshd.agent.SshAgentServer;
import org.apache.sshd.common.FactoryManager;
import org.apache.sshd.common.channel.ChannelFactory;
import org.apache.sshd.common.config.keys.FilePasswordProvider;
import org.apache.sshd.common.keyprovider.KeyIdentityProvider;
import org.apache.sshd.common.session.ConnectionService;
import org.apache.sshd.common.session.Session;
import org.apache.sshd.common.session.SessionContext;
import org.apache.sshd.common.util.buffer.ByteArrayBuffer;
import org.apache.sshd.common.util.io.resource.PathResource;
import org.apache.sshd.common.util.security.SecurityUtils;

/**
 * The keys that we may prove ourselves with on one connection: the ssh-agent's first, then the
 * files, each read only when its turn comes. Remembers what was tried, for the sentence when none
 * was accepted.
 */
final class Identities implements KeyIdentityProvider, SshAgentFactory {
  private static final Set<PosixFilePermission> OTHERS =
      Set.of(
          PosixFilePermission.GROUP_READ,
          PosixFilePermission.GROUP_WRITE,
          PosixFilePermission.OTHERS_READ,
          PosixFilePermission.OTHERS_WRITE);
  private static final long MAX_KEY_FILE = 64 << 10;

  private final List<Path> files;
  private final boolean onlyNamed;
  private final Optional<Path> agentSocket;
  private final List<String> tried = new ArrayList<>();
  private final List<String> unusable = new ArrayList<>();
  private List<byte[]> named;

  /**
   * @param onlyNamed use of the agent only the keys that stand in {@code files}' .pub beside them
   */
  Identities(List<Path> files, boolean onlyNamed, Optional<Path> agentSocket) {
    this.files = files;
    this.onlyNamed = onlyNamed;
    this.agentSocket = agentSocket;
  }

  boolean onlyNamed() {
    return onlyNamed;
  }

  /** Whether the public half of that key lies beside one of the files. */
  synchronized boolean names(PublicKey key) {
    if (named == null) {
      named = new ArrayList<>();
      for (Path file : files) {
        try {
          Path pub = file.resolveSibling(file.getFileName() + ".pub");
          String[] words = Files.readString(pub, StandardCharsets.ISO_8859_1).split("\\s+");
          if (words.length > 1) {
            named.add(Base64.getDecoder().decode(words[1]));
          }
        } catch (IOException | IllegalArgumentException e) {
          // There need not be one.
        }
      }
    }
    byte[] blob = blob(key);
    return named.stream().anyMatch(n -> MessageDigest.isEqual(n, blob));
  }

  /** A public key as it is on the wire. */
  static byte[] blob(PublicKey key) {
    ByteArrayBuffer buffer = new ByteArrayBuffer();
    buffer.putRawPublicKey(key);
    return buffer.getCompactData();
  }

  synchronized void agentOffered(int keys) {
    tried.add(keys + (keys == 1 ? " key" : " keys") + " of the ssh-agent");
  }

  /** What was tried and what could not be, as the end of a sentence. */
  synchronized String outcome() {
    String text = tried.isEmpty() ? "no key was there to try" : "tried " + String.join(", ", tried);
    return unusable.isEmpty() ? text : text + "; " + String.join("; ", unusable);
  }

  @Override
  public Iterable<KeyPair> loadKeys(SessionContext session) {
    return () -> new FileKeys(session);
  }

  private final class FileKeys implements Iterator<KeyPair> {
    private final SessionContext session;
    private final Iterator<Path> rest = files.iterator();
    private final List<KeyPair> loaded = new ArrayList<>();

    FileKeys(SessionContext session) {
      this.session = session;
    }

    @Override
    public boolean hasNext() {
      while (loaded.isEmpty() && rest.hasNext()) {
        loaded.addAll(load(session, rest.next()));
      }
      return !loaded.isEmpty();
    }

    @Override
    public KeyPair next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      return loaded.remove(0);
    }
  }

  private synchronized List<KeyPair> load(SessionContext session, Path file) {
    boolean[] encrypted = new boolean[1];
    FilePasswordProvider noPassword =
        (context, resource, retry) -> {
          encrypted[0] = true;
          return null;
        };
    try {
      if (Files.size(file) > MAX_KEY_FILE) {
        unusable.add(file + " is no private key");
        return List.of();
      }
      if (Files.getPosixFilePermissions(file, new LinkOption[0]).stream()
          .anyMatch(OTHERS::contains)) {
        unusable.add(file + " was not used, for others may read it: chmod 600 " + file);
        return List.of();
      }
      List<KeyPair> keys = new ArrayList<>();
      try (InputStream in = Files.newInputStream(file)) {
        Iterable<KeyPair> found =
            SecurityUtils.loadKeyPairIdentities(session, new PathResource(file), in, noPassword);
        if (found != null) {
          found.forEach(keys::add);
        }
      }
      if (!keys.isEmpty()) {
        tried.add(file.toString());
        return keys;
      }
      unusable.add(sentence(file, encrypted[0], "it holds no private key"));
    } catch (NoSuchFileException e) {
      return List.of();
    } catch (IOException | GeneralSecurityException | RuntimeException e) {
      unusable.add(sentence(file, encrypted[0], e.getMessage()));
    }
    return List.of();
  }

  private static String sentence(Path file, boolean encrypted, String why) {
    return encrypted
        ? file + " is encrypted and was not used: give it to the ssh-agent with ssh-add " + file
        : file + " could not be used (" + why + ")";
  }

  // SshAgentFactory

  @Override
  public SshAgent createClient(Session session, FactoryManager manager) {
    if (agentSocket.isEmpty()) {
      return null;
    }
    try {
      return new AgentClient(agentSocket.get(), this);
    } catch (IOException | RuntimeException e) {
      synchronized (this) {
        unusable.add("the ssh-agent at " + agentSocket.get() + " does not answer");
      }
      return null;
    }
  }

  @Override
  public List<ChannelFactory> getChannelForwardingFactories(FactoryManager manager) {
    return List.of(); // the agent is never lent to the other side
  }

  @Override
  public SshAgentServer createServer(ConnectionService service) {
    throw new UnsupportedOperationException("no agent forwarding");
  }
}
