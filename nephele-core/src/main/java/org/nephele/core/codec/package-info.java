/**
 * The page codec: memory pages, disk pages and the bytes between them, as a stream of frames that
 * names what the receiver has already and compresses the rest. The format is specified in
 * docs/page-stream.md.
 *
 * <p><b>The way of a page.</b> {@link org.nephele.core.codec.PageEncoder} compares it with what the
 * receiver has at this address, looks it up in the {@link org.nephele.core.reference.PageIndex} and
 * among the pages sent, tries a {@code Delta}, or takes it whole. {@code ItemWriter} puts the
 * outcome into the columns of a frame, {@code FramePacker} compresses them, a {@link
 * org.nephele.core.codec.FrameSink} takes the frame. At the other end {@link
 * org.nephele.core.codec.PageDecoder} has {@code FrameUnpacker} get the columns back, {@code
 * ItemReader} walks through the items, and a {@link org.nephele.core.codec.PageSink} gets the
 * pages. Both ends keep {@link org.nephele.core.codec.SentPages}, which {@link
 * org.nephele.core.codec.SentPagesState} keeps for the way back.
 *
 * <p><b>Whoever uses it</b> agrees with the other end on {@link
 * org.nephele.core.codec.StreamParameters} and on the references, one thread an end; feeds pages in
 * the order of the streams they come from; calls {@link org.nephele.core.codec.PageEncoder#flush()}
 * when nothing more comes for some milliseconds, and {@link
 * org.nephele.core.codec.PageEncoder#end()} at the end; and believes nothing that came out before
 * the decoder has seen that end. A broken stream can't be mended: the transfer is given up.
 *
 * <p><b>Memory</b> outside of the heap: an encoder takes 22 MiB of buffers, a decoder 18, each 4
 * MiB more when references serve as dictionary; 8 bytes a page kept for the index of pages sent (at
 * the encoder, 128 MiB at most), and 4 bytes a page whose content changed. In the heap: 8 MiB at
 * most. With zstd's own, an encoder with frames of 1 MiB was seen to take 47 MiB at level 1, 62 at
 * level 9 and 72 at level 19.
 *
 * <p>Knows no QEMU, NBD, SSH or libvirt; {@link org.nephele.core.codec.streams} turns QEMU's and
 * NBD's streams into items and back.
 */
package org.nephele.core.codec;
