package org.nephele.server.image;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.nephele.core.format.FormatException;
import org.nephele.core.format.ImageManifest;
import org.nephele.core.format.ImageZip;
import org.nephele.core.io.DurableFiles;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.store.Store;
import org.nephele.server.store.WorkFolder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The images of this node, and who needs them. Thread-safe. */
public final class Images {
  private static final Logger log = LoggerFactory.getLogger(Images.class);
  private static final long MOST_MANIFEST = 1 << 20;

  private final Store store;
  private final String node;

  /** By the image's name: who uses it, for a sentence. */
  private final Map<String, List<Supplier<String>>> uses = new HashMap<>();

  private final Set<String> reserved = new HashSet<>();

  /**
   * @param node this node's name, for messages
   */
  public Images(Store store, String node) {
    this.store = store;
    this.node = node;
  }

  /** Closing it gives up what it stands for; more than once does no harm. */
  @FunctionalInterface
  public interface Hold extends AutoCloseable {
    @Override
    void close();
  }

  /** All images, by name. A folder that is none is logged and left out. */
  public List<Image> list() throws IOException {
    List<Image> images = new ArrayList<>();
    try (var folders = Files.newDirectoryStream(store.images())) {
      for (Path folder : folders) {
        Path manifest = folder.resolve(ImageZip.MANIFEST);
        try {
          if (Files.size(manifest) > MOST_MANIFEST) {
            throw new FormatException("its manifest is too long");
          }
          images.add(new Image(folder, ImageManifest.parse(Files.readAllBytes(manifest))));
        } catch (IOException e) {
          log.warn("{} is no image of this version of Nephele: {}", folder, e.toString());
        }
      }
    }
    images.sort(Comparator.comparing(Image::name));
    return images;
  }

  /**
   * Finds an image for a person.
   *
   * @param idOrName an id if exactly one image has it, or a name
   * @throws NepheleException NOT_FOUND, or REFUSED when the id is ambiguous
   */
  public Image find(String idOrName) throws NepheleException, IOException {
    List<Image> images = list();
    for (Image image : images) {
      if (image.name().equals(idOrName)) {
        return image;
      }
    }
    List<Image> found = images.stream().filter(image -> image.id().equals(idOrName)).toList();
    if (found.isEmpty()) {
      throw new NepheleException(
          ErrorKind.NOT_FOUND,
          "There is no image '" + idOrName + "' on " + node + "; 'image ls' shows what there is.");
    }
    if (found.size() > 1) {
      throw new NepheleException(
          ErrorKind.REFUSED,
          found.size()
              + " images on "
              + node
              + " have the disk "
              + idOrName
              + " and different memory: say the name, "
              + names(found)
              + ".");
    }
    return found.get(0);
  }

  /** Images with that id; more than one where only their memory differs. */
  public List<Image> findById(String id) throws IOException {
    return list().stream().filter(image -> image.id().equals(id)).toList();
  }

  /** The image with exactly that disk, memory and device state. */
  public Optional<Image> findByContent(String content) throws IOException {
    return list().stream().filter(image -> image.content().equals(content)).findFirst();
  }

  /** Names for a sentence: {@code a, b}. */
  public static String names(List<Image> images) {
    return images.stream().map(Image::name).collect(Collectors.joining(", "));
  }

  /**
   * Keeps an image from being removed.
   *
   * @param who for the sentence that tells why it can't be, such as {@code instance 'x'}
   * @throws NepheleException NOT_FOUND when it was removed meanwhile
   */
  public Hold use(Image image, String who) throws NepheleException {
    return use(image, () -> who);
  }

  /** The same, for users whose words change with time. */
  public synchronized Hold use(Image image, Supplier<String> who) throws NepheleException {
    if (!Files.isDirectory(image.folder())) {
      throw new NepheleException(
          ErrorKind.NOT_FOUND,
          "The image " + image.name() + " has been removed from " + node + ".");
    }
    uses.computeIfAbsent(image.name(), name -> new ArrayList<>()).add(who);
    return once(() -> uses.get(image.name()).remove(who));
  }

  /**
   * The name for an image from elsewhere: its own, or with its id (and a number) behind it where
   * another image has that name.
   */
  String freeName(ImageManifest manifest) {
    String name = manifest.name();
    String longer = name.substring(0, Math.min(name.length(), 100)) + "-" + manifest.id();
    for (int i = 2; Files.exists(store.images().resolve(name)); i++) {
      name = i == 2 ? longer : longer + "-" + (i - 1);
    }
    return name;
  }

  /**
   * Keeps a name for an image that is about to be made.
   *
   * @throws NepheleException REFUSED when it exists, BUSY when another operation makes it
   */
  synchronized Hold reserve(String name) throws NepheleException {
    if (Files.exists(store.images().resolve(name))) {
      throw new NepheleException(
          ErrorKind.REFUSED,
          "There is an image "
              + name
              + " on "
              + node
              + " already, and snapshots of it would be of no use without it. Remove it first"
              + " ('image rm'), or give the file another name.");
    }
    if (!reserved.add(name)) {
      throw new NepheleException(
          ErrorKind.BUSY, "The image " + name + " is being made on " + node + " right now.");
    }
    return once(() -> reserved.remove(name));
  }

  private Hold once(Runnable end) {
    boolean[] closed = {false};
    return () -> {
      synchronized (this) {
        if (!closed[0]) {
          closed[0] = true;
          end.run();
        }
      }
    };
  }

  /**
   * Makes a finished folder an image: adds the manifest, closes all files for writing, and gives it
   * its name.
   *
   * @param folder on the same file system, holds the files of an image and nothing else
   */
  Image publish(Path folder, ImageManifest manifest) throws IOException {
    Files.write(folder.resolve(ImageZip.MANIFEST), manifest.toJson());
    try (var files = Files.newDirectoryStream(folder)) {
      for (Path file : files) {
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("r--r--r--"));
        Files.setAttribute(file, "unix:uid", Files.getAttribute(folder, "unix:uid"));
        Files.setAttribute(file, "unix:gid", Files.getAttribute(folder, "unix:gid"));
      }
    }
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    Path target = store.images().resolve(manifest.name());
    DurableFiles.publish(folder, target);
    return new Image(target, manifest);
  }

  /**
   * Removes an image for good.
   *
   * @return what it was
   * @throws NepheleException NOT_FOUND; BUSY when something needs it
   */
  public Image remove(String idOrName) throws NepheleException, IOException {
    Image image = find(idOrName);
    WorkFolder doomed;
    synchronized (this) {
      List<String> users =
          uses.getOrDefault(image.name(), List.of()).stream().map(Supplier::get).toList();
      if (!users.isEmpty()) {
        throw new NepheleException(
            ErrorKind.BUSY,
            "The image "
                + image.name()
                + " on "
                + node
                + " is in use by "
                + String.join(", ", users)
                + "; nothing was removed.");
      }
      doomed = store.discard(image.folder());
    }
    doomed.close();
    log.info("Image {} ({}) was removed", image.name(), image.id());
    return image;
  }
}
