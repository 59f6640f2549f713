/**
 * The files of images and snapshots, and what they are made of. Knows no libvirt and no folder
 * layout; everything read here is taken for hostile.
 *
 * <p><b>An image</b> is a disk ({@code disk.raw}), the memory ({@code memory.raw}) and the device
 * state ({@code device.state}) of one instant, the domain they belong to ({@code domain.xml}) and
 * an {@link org.nephele.core.format.ImageManifest}. An exported image is one zip with these five
 * files, the manifest first ({@link org.nephele.core.format.ImageZip}).
 *
 * <p><b>A snapshot</b> is a zip ({@link org.nephele.core.format.SnapshotZip}) with a {@link
 * org.nephele.core.format.SnapshotManifest}, the captured {@code device.state}, and two deltas
 * against one image: {@code memory.delta} and {@code disk.delta}. The domain is the image's: a
 * state can only be restored into the same devices.
 *
 * <p><b>A delta</b> lists the pages (4096 bytes) that differ from the image's at the same address,
 * in ascending order, as runs:
 *
 * <pre>
 *   u64 first page   u32 count            then count * 4096 bytes; count is 1 to 256
 *   u64 first page   u32 count | 1 &lt;&lt; 31  count pages of zeros, nothing follows
 *   u64 0            u32 0                the end
 * </pre>
 *
 * All numbers are big-endian. Runs don't overlap, and end within the image's file. Where that file
 * doesn't end on a page, the last page is filled up with zeros.
 *
 * <p>All of these are format version 0. Readers refuse every other version.
 */
package org.nephele.core.format;
