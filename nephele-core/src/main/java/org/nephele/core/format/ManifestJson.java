package org.nephele.core.format;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import org.nephele.core.protocol.JsonLines;

/** Manifests as JSON that a person can read, with the kind and version of the file first. */
final class ManifestJson {
  /** The longest manifest that is read, bytes. */
  static final int MOST = 1 << 20;

  private static final ObjectMapper JSON =
      JsonLines.json().copy().enable(SerializationFeature.INDENT_OUTPUT);

  private ManifestJson() {}

  static byte[] write(String kind, int version, Object manifest) {
    ObjectNode node = JSON.createObjectNode().put("format", kind).put("version", version);
    node.setAll((ObjectNode) JSON.valueToTree(manifest));
    try {
      return JSON.writeValueAsBytes(node);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(e);
    }
  }

  static <T> T read(String kind, int version, byte[] bytes, Class<T> type) throws FormatException {
    try {
      JsonNode node = JSON.readTree(bytes);
      if (!node.path("format").asText().equals(kind)) {
        throw new FormatException("it is no " + kind);
      }
      if (!node.path("version").isIntegralNumber() || node.path("version").asLong() != version) {
        throw new FormatException(
            "it has format version "
                + node.path("version").asText("?").replaceAll("[^0-9]", "?")
                + ", and this version of Nephele reads "
                + version);
      }
      return JSON.treeToValue(node, type);
    } catch (FormatException e) {
      throw e;
    } catch (IOException e) {
      throw new FormatException("its manifest can't be read", e);
    }
  }
}
