/**
 * One connection between two agents, carrying control messages and several streams at once.
 *
 * <p>A handoff needs libvirt's RPC, QEMU's memory and one NBD connection a disk at the same time,
 * over one SSH channel. None of them may hold up the others, so each stream has credit: the sender
 * may send what the receiver has room for, and no more. The receiver's reader therefore never
 * waits, whatever its streams' readers do.
 *
 * <h2>On the wire</h2>
 *
 * Each side first writes the eight bytes {@code NEPHPEER}, then frames, big-endian:
 *
 * <pre>
 *   u8 type | u8 0 | u16 stream | u32 length | length bytes, at most 262144
 *
 *   0 HELLO    stream 0, first frame of each side: JSON {"protocol":1,"agent":...,"version":...,
 *              "node":...,"capabilities":[...]}
 *   1 CONTROL  stream 0: a message of the layer above, whole
 *   2 OPEN     a new stream, by the side that made the connection; the payload is its kind.
 *              Numbers go up from 1 and are never used again
 *   3 DATA     bytes of a stream, 1 at least, never more than the credit
 *   4 END      no more DATA from this side; the other direction goes on
 *   5 RESET    the stream is dead in both directions; the payload is the reason, a sentence
 *   6 CREDIT   u32: so many more bytes may be sent; a stream starts with 1 MiB in each direction
 *   7 ALIVE    stream 0, empty: every 5 s
 *   8 BYE      stream 0: the session is over; the payload is a reason, or empty
 * </pre>
 *
 * Anything else is an error that ends the session: both sides say the same version in their HELLO,
 * so nothing unknown can come. Frames for a stream that this side has reset are dropped, for the
 * other side can't know yet.
 *
 * <h2>How long the queue is</h2>
 *
 * Everything between the two ends (our buffers, SSH's window, the kernel's socket buffers) counts
 * against the credit of 1 MiB a stream. At 25 Mbit/s that is a third of a second of link time, so a
 * message waits no longer than that behind a stream that sends all it can; at 100 Mbit/s it still
 * covers 80 ms of round trip, at 1 Gbit/s 8 ms.
 *
 * <h2>When the other end is gone</h2>
 *
 * A side that has received nothing for 30 s holds the session for dead and closes it: reads and
 * writes of all streams fail with that sentence. TCP alone would go on waiting for a quarter of an
 * hour. The session does not know what carries it ({@link org.nephele.core.mux.Link}); going on
 * over a second connection where the first one broke would be the business of a Link.
 *
 * <pre>
 *             HELLO both ways                 BYE, EOF, 30 s of silence, a bad frame
 *   opened ─────────────────────► running ──────────────────────────────────────────► closed
 *
 *   a stream:   open ──END sent──► half closed ──END received──► gone
 *                 └──────────────RESET, or the session closed──► gone
 * </pre>
 */
package org.nephele.core.mux;
