package org.nephele.core.handoff;

/**
 * What came out of a stream at the destination, for comparison with what went in at the source.
 *
 * @param stream its number in the session
 * @param kind what it carries
 * @param bytes that went from source to destination
 * @param crc32c of them, as 8 hex digits
 */
public record StreamDigest(int stream, String kind, long bytes, String crc32c) {}
