/**
 * The stream that QEMU sends when it migrates, parsed and written byte for byte.
 *
 * <p>What lives here: {@link org.nephele.core.qemu.QemuStreamReader} and {@link
 * org.nephele.core.qemu.QemuStreamWriter}, which are exact inverses; {@link
 * org.nephele.core.qemu.QemuStreamRelay}, which joins them; {@link
 * org.nephele.core.qemu.CapturedState}, which splits a stream into a memory file and device state;
 * {@link org.nephele.core.qemu.RestoreStream}, which makes a stream out of them again. What may not
 * live here: libvirt, QMP, SSH, or anything that opens a connection.
 *
 * <h2>The format</h2>
 *
 * Big-endian throughout, as QEMU 7.2 to 10.0 send it for x86 (4096-byte pages).
 *
 * <pre>
 * stream        = "QEVM" u32:version=3 [configuration] element* (device state, which we do not parse)
 * configuration = 07 u32:length machine-type subsection*
 * subsection    = 05 u8:length name u32:version fields
 *                   configuration/target-page-bits  fields = u32
 *                   configuration/capabilities      fields = u32:count { u8:length name }
 *                   configuration/uuid              fields = 16 bytes
 * element       = 01 u32:id u8:length name u32:instance u32:version records   START (once, name "ram")
 *               | 02 u32:id records                                           PART  (one iteration)
 *               | 03 u32:id records                                           END   (the last one)
 *               | 7e u32:id                                                   footer (absent on machine types before 2.4)
 *               | 08 u16:command u16:length body                              COMMAND
 *               | 04 ... | 00 | 06 ...                                        device state, EOF, VMDESC
 * records       = record* EOS
 * record        = u64: address of the page in its block | flags in the low 12 bits
 *   0x04 MEM_SIZE  address is the length of all blocks together; then, until they add up to it:
 *                  u8:length name u64:length [u64:page size] [u64:guest address]
 *   0x02 ZERO      [name] u8:fill
 *   0x08 PAGE      [name] 4096 bytes
 *   0x40 XBZRLE    [name] u8:1 u16:length delta
 *   0x10 EOS       the end of this section's records
 *   0x20 CONTINUE  no name follows: same block as the record before. Otherwise name = u8:length name
 *   0x80 HOOK (RDMA), 0x100 COMPRESS (until 9.0), 0x200 MULTIFD_FLUSH: not parsed, see below
 * </pre>
 *
 * <p>The guest address is there with capability {@code x-ignore-shared}. The page size is there
 * with {@code postcopy-ram}, for blocks whose page size is not the host's; nothing in the list
 * tells which, so it is parsed only when COMMAND 3 (POSTCOPY_ADVISE) said that all blocks have
 * 4096-byte pages and the field is therefore absent. COMMAND 7 (PACKAGED) has a body of u32 and
 * that many bytes after it.
 *
 * <h2>The reader's states</h2>
 *
 * <pre>
 *   HEADER --QEVM 3--&gt; ELEMENT &lt;--------------- EOS of START, PART ---------+
 *                       |  ^ |                                             |
 *       configuration,  |  | +--01 "ram" | 02 | 03 ----------------&gt; RAM_RECORDS --EOS of END--+
 *       COMMAND, footer +--+ |                                         |                       |
 *                       ^    +--COMMAND 7--&gt; PACKAGED                  | unknown flag          |
 *                       +---- all its bytes passed --+                 v                       v
 *                            +--anything else, known or not--------&gt; OPAQUE until end of stream
 * </pre>
 *
 * <p>OPAQUE passes every byte through as it is and says why it was entered. So a copy is exact, or
 * it is an error; it is never a guess. What contradicts itself (a block nobody announced, a page
 * beyond its block, a stream that ends inside a record or before the RAM is complete) is a {@link
 * org.nephele.core.qemu.QemuStreamException}.
 *
 * <h2>Liveness</h2>
 *
 * The stream is alive and both ends wait for each other (a COMMAND may ask for an answer on the
 * return path). The parser delivers a record as soon as its last byte is there, device state as it
 * comes, and {@link org.nephele.core.qemu.QemuStreamHandler#inputDry()} before every read that may
 * wait.
 */
package org.nephele.core.qemu;
