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
 * <p><b>Memory</b> does not grow with the VM's heap share: an encoder takes 26 MiB of direct
 * buffers, a decoder 18, each 4 MiB more when references serve as dictionary, up to 8 MiB of arrays
 * for that, 8 to 128 MiB for the index of pages sent (8 bytes a page kept, at the encoder), and 4
 * bytes a page whose content changed. zstd's own memory, outside of the JVM: 2 MiB at level 1, 10
 * at level 9, 90 at level 19, for frames of 1 MiB; less than 1 MiB in the decoder.
 *
 * <p>Knows no QEMU, NBD, SSH or libvirt.
 */
package org.nephele.core.codec;
