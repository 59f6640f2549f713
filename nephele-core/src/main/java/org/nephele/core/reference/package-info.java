/**
 * What both ends of a transfer already hold, byte for byte: an image's disk and memory, as pages of
 * 4096 bytes, and an index that finds a page by its content.
 *
 * <p>{@link org.nephele.core.reference.PageFile} reads pages of an immutable file, {@link
 * org.nephele.core.reference.Location} names one of them, {@link
 * org.nephele.core.reference.PageIndex} maps 64-bit hashes to locations, {@link
 * org.nephele.core.reference.PageIndexBuilder} makes it. Nothing here knows libvirt, QEMU, or where
 * images are kept.
 *
 * <p><b>The index is an aid, never the truth.</b> It belongs to one node and is not sent. Whoever
 * finds a location in it compares the bytes before relying on it, so an index that is damaged, or a
 * hash function that makes everything collide, costs compression and nothing else.
 *
 * <h2>The index file, format version 1</h2>
 *
 * Big-endian. It is written under a temporary name and renamed when it is complete.
 *
 * <pre>
 *    0  u64  "NPHINDEX"
 *    8  u32  format version, 1
 *   12  u32  log2 of the number of slots, 10 to 31
 *   16  u64  bytes of the disk      (0 when the image has none, or it isn't indexed)
 *   24  u64  bytes of the memory    (likewise)
 *   32  32   SHA-256 of the disk
 *   64  32   SHA-256 of the memory
 *   96  u64  entries in use
 *  104  u64  XXH3-64 of bytes 0 to 103
 * 4096  the slots, u64 each: u32 tag, u32 location; 0 means empty
 * </pre>
 *
 * A page's hash is XXH3-64 with seed 0 over its 4096 bytes. The upper bits of the hash choose the
 * first slot, its lower 32 bits are the tag. An entry is in the first slot that was free of the 64
 * from there on, or nowhere. Pages of zeros are not in it. Of pages with the same hash one is.
 */
package org.nephele.core.reference;
