/**
 * Images: {@link org.nephele.server.image.Images} are those of this node, and each command has a
 * class ({@link org.nephele.server.image.BuildImage}, {@link org.nephele.server.image.ExportImage},
 * {@link org.nephele.server.image.ImportImage}).
 *
 * <p>{@link org.nephele.server.image.Build} is a VM that a person prepares and ends by pausing it;
 * snapshots are built that way, too.
 */
package org.nephele.server.image;
