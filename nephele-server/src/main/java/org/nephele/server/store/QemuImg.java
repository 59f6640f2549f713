package org.nephele.server.store;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.JsonLines;
import org.nephele.core.protocol.NepheleException;
import org.nephele.server.operation.Work;

/** What {@code qemu-img} does for us. Paths are absolute. Stateless. */
public final class QemuImg {
  private static final String QEMU_IMG = "qemu-img";

  /** Reads one value of many. */
  private static final ObjectReader ELEMENTS =
      JsonLines.json().reader().without(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private QemuImg() {}

  /**
   * A disk image that stands alone.
   *
   * @param format qemu's name of it
   * @param bytes the size of the disk in it
   */
  public record DiskImage(Path path, String format, long bytes) {}

  /**
   * Looks at a disk image from anywhere.
   *
   * @throws NepheleException REFUSED with a sentence when it is none, or not whole without other
   *     files or a key
   */
  public static DiskImage inspect(Work work, Path path) throws NepheleException, IOException {
    ByteArrayOutputStream json = new ByteArrayOutputStream();
    try {
      Program.run(
          work,
          List.of(QEMU_IMG, "info", "--output=json", path.toString()),
          out -> out.transferTo(json));
    } catch (Program.ProgramFailedException e) {
      throw new NepheleException(
          ErrorKind.REFUSED, path + " is no disk image that qemu-img can read: " + e.getMessage());
    }
    JsonNode info = JsonLines.json().readTree(json.toByteArray());
    refuseParts(path, info);
    return new DiskImage(path, info.path("format").asText(), info.path("virtual-size").asLong());
  }

  private static void refuseParts(Path path, JsonNode info) throws NepheleException {
    String why = null;
    JsonNode specific = info.path("format-specific").path("data");
    if (info.hasNonNull("backing-filename")) {
      why =
          "has a backing file ("
              + info.get("backing-filename").asText()
              + "); make one whole image of them first with 'qemu-img convert'";
    } else if (specific.hasNonNull("data-file")) {
      why =
          "keeps its data in another file ("
              + specific.get("data-file").asText()
              + "); make one whole image of them first with 'qemu-img convert'";
    } else if (info.path("encrypted").asBoolean() || info.path("format").asText().equals("luks")) {
      why = "is encrypted; decrypt it first with 'qemu-img convert'";
    } else {
      for (JsonNode extent : specific.path("extents")) {
        if (!extent.path("filename").asText().equals(path.toString())) {
          why =
              "keeps its data in another file ("
                  + extent.path("filename").asText()
                  + "); make one whole image of them first with 'qemu-img convert'";
        }
      }
    }
    if (why != null) {
      throw new NepheleException(ErrorKind.REFUSED, "The disk image " + path + " " + why + ".");
    }
  }

  /**
   * Writes the disk in an image as a raw file.
   *
   * @param raw does not exist yet
   */
  public static void convertToRaw(Work work, DiskImage image, Path raw)
      throws NepheleException, IOException {
    Program.run(
        work,
        List.of(
            QEMU_IMG,
            "convert",
            "-p",
            "-f",
            image.format(),
            "-O",
            "raw",
            image.path().toString(),
            raw.toString()),
        out -> readPercents(work, image.bytes(), out));
  }

  /** With -p, qemu-img writes "(12.34/100%)" and a carriage return, over and over. */
  private static void readPercents(Work work, long bytes, InputStream out) throws IOException {
    StringBuilder text = new StringBuilder();
    for (int c = out.read(); c >= 0; c = out.read()) {
      if (c == '(') {
        text.setLength(0);
      } else if (c == '/' && text.toString().matches("[0-9]{1,3}\\.[0-9]+")) {
        double part = Double.parseDouble(text.toString()) / 100;
        work.progress("converting", (long) (bytes * part), bytes, "bytes");
      } else if (text.length() < 20) {
        text.append((char) c);
      }
    }
  }

  /**
   * Makes an empty overlay.
   *
   * @param backing a raw file
   */
  public static void createOverlay(Work work, Path overlay, Path backing)
      throws NepheleException, IOException {
    Program.run(
        work,
        List.of(
            QEMU_IMG,
            "create",
            "-q",
            "-f",
            "qcow2",
            "-b",
            backing.toString(),
            "-F",
            "raw",
            overlay.toString()),
        out -> out.transferTo(OutputStream.nullOutputStream()));
  }

  /**
   * A part of the disk that an overlay has of its own.
   *
   * @param start in the disk, bytes
   * @param zero reads as zeros
   * @param offset of the data in the overlay's file, bytes; where not zero
   */
  public record Range(long start, long length, boolean zero, long offset) {}

  /** What an overlay that nobody has open holds, in ascending order. */
  public static List<Range> changes(Work work, Path overlay) throws NepheleException, IOException {
    List<Range> ranges = new ArrayList<>();
    Program.run(
        work,
        List.of(QEMU_IMG, "map", "--output=json", "-f", "qcow2", overlay.toString()),
        out -> {
          try (JsonParser json = JsonLines.json().getFactory().createParser(out)) {
            if (json.nextToken() != JsonToken.START_ARRAY) {
              throw new IOException("qemu-img map did not write what it should");
            }
            while (json.nextToken() == JsonToken.START_OBJECT) {
              JsonNode range = ELEMENTS.readTree(json);
              if (range.path("depth").asInt() == 0) {
                ranges.add(range(overlay, range));
              }
            }
          }
        });
    return ranges;
  }

  private static Range range(Path overlay, JsonNode node) throws IOException {
    long start = node.path("start").asLong();
    long length = node.path("length").asLong();
    if (node.path("zero").asBoolean()) {
      return new Range(start, length, true, 0);
    }
    if (!node.path("data").asBoolean() || !node.path("offset").isIntegralNumber()) {
      throw new IOException("the overlay " + overlay + " has compressed parts");
    }
    return new Range(start, length, false, node.get("offset").asLong());
  }
}
