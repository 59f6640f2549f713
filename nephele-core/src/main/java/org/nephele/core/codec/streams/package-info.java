/**
 * QEMU's migration stream and an NBD client's requests as items of a page stream, and back. Each
 * pair is exact: what goes into the encoder comes out of the decoder, byte for byte. How they look
 * as items is in docs/page-stream.md.
 *
 * <p>The two streams of a handoff share one {@link org.nephele.core.codec.PageEncoder}. Both
 * classes lock it while they use it, so a thread each may read them; whoever flushes or ends the
 * encoder locks it, too. Nothing here flushes: QEMU and NBD wait for what the other end answers, so
 * somebody must flush some milliseconds after the last item came. The decoder delivers on one
 * thread.
 */
package org.nephele.core.codec.streams;
