package org.nephele.server.libvirt;

import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import javax.xml.transform.OutputKeys;
import javax.xml.transform.Transformer;
import javax.xml.transform.TransformerException;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;
import org.nephele.core.protocol.ErrorKind;
import org.nephele.core.protocol.NepheleException;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.xml.sax.ErrorHandler;
import org.xml.sax.InputSource;
import org.xml.sax.SAXException;
import org.xml.sax.SAXParseException;

/** Reading, walking and writing XML trees as far as libvirt's documents need it. */
final class Xml {
  /** A domain has some 10 KiB; a title may add to it. */
  static final int MAX_CHARS = 1 << 20;

  private Xml() {}

  /**
   * @param what names the document in the error
   */
  static Document parse(String xml, String what) throws NepheleException {
    if (xml.length() > MAX_CHARS) {
      throw new NepheleException(
          ErrorKind.REFUSED, what + " is longer than " + MAX_CHARS + " characters.");
    }
    try {
      DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
      factory.setNamespaceAware(true);
      factory.setExpandEntityReferences(false);
      factory.setIgnoringComments(true);
      factory.setCoalescing(true);
      factory.setFeature(XMLConstants.FEATURE_SECURE_PROCESSING, true);
      factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
      factory.setAttribute(XMLConstants.ACCESS_EXTERNAL_DTD, "");
      factory.setAttribute(XMLConstants.ACCESS_EXTERNAL_SCHEMA, "");
      DocumentBuilder builder = factory.newDocumentBuilder();
      builder.setErrorHandler(new Throwing());
      return builder.parse(new InputSource(new StringReader(xml)));
    } catch (SAXParseException e) {
      throw new NepheleException(
          ErrorKind.REFUSED,
          what + " is not valid XML, line " + e.getLineNumber() + ": " + e.getMessage(),
          e);
    } catch (SAXException | IOException e) {
      throw new NepheleException(
          ErrorKind.REFUSED, what + " is not valid XML: " + e.getMessage(), e);
    } catch (ParserConfigurationException e) {
      throw new IllegalStateException(e);
    }
  }

  static String write(Document document) {
    try {
      Transformer transformer = TransformerFactory.newInstance().newTransformer();
      transformer.setOutputProperty(OutputKeys.OMIT_XML_DECLARATION, "yes");
      // As UTF-16 text goes into a Java string, nothing needs a character reference.
      transformer.setOutputProperty(OutputKeys.ENCODING, "UTF-16");
      StringWriter text = new StringWriter();
      transformer.transform(new DOMSource(document), new StreamResult(text));
      return text.toString();
    } catch (TransformerException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The child elements of that name; all of them for {@code *}. Of no namespace. */
  static List<Element> children(Element parent, String name) {
    List<Element> found = new ArrayList<>();
    for (Node node = parent.getFirstChild(); node != null; node = node.getNextSibling()) {
      if (node instanceof Element element
          && element.getNamespaceURI() == null
          && (name.equals("*") || name.equals(element.getLocalName()))) {
        found.add(element);
      }
    }
    return found;
  }

  /** The first element at the end of the path, such as {@code os/type}. */
  static Optional<Element> find(Element from, String path) {
    Element at = from;
    for (String name : path.split("/")) {
      List<Element> next = children(at, name);
      if (next.isEmpty()) {
        return Optional.empty();
      }
      at = next.get(0);
    }
    return Optional.of(at);
  }

  /** The same, made where it is missing. */
  static Element make(Element from, String path) {
    Element at = from;
    for (String name : path.split("/")) {
      List<Element> next = children(at, name);
      at = next.isEmpty() ? append(at, name) : next.get(0);
    }
    return at;
  }

  static Element append(Element parent, String name) {
    return (Element) parent.appendChild(parent.getOwnerDocument().createElementNS(null, name));
  }

  /** Sets an element's text, making the element where it is missing. */
  static void text(Element from, String path, String text) {
    make(from, path).setTextContent(text);
  }

  static String text(Element from, String path) {
    return find(from, path).map(Element::getTextContent).orElse("");
  }

  static String attribute(Element from, String path, String name) {
    return find(from, path).map(element -> element.getAttribute(name)).orElse("");
  }

  static void removeAll(Element parent, String name) {
    for (Element child : children(parent, name)) {
      parent.removeChild(child);
    }
  }

  /** Without it the JDK prints to standard error. */
  private static final class Throwing implements ErrorHandler {
    @Override
    public void warning(SAXParseException e) throws SAXException {
      throw e;
    }

    @Override
    public void error(SAXParseException e) throws SAXException {
      throw e;
    }

    @Override
    public void fatalError(SAXParseException e) throws SAXException {
      throw e;
    }
  }
}
