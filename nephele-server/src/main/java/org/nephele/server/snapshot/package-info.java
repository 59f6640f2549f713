/**
 * Snapshots: {@link org.nephele.server.snapshot.Snapshots} are those of this node, {@link
 * org.nephele.server.snapshot.BuildSnapshot} makes one. {@link
 * org.nephele.server.snapshot.DiskDelta} and {@link org.nephele.server.snapshot.MemoryDelta} carry
 * the difference to an image out of a VM and back.
 */
package org.nephele.server.snapshot;
