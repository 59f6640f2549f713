package org.nephele.core.qemu;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Random;

/** Builds migration streams by hand, byte after byte, independent of the writer under test. */
final class StreamBytes {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  StreamBytes u8(int value) {
    out.write(value);
    return this;
  }

  StreamBytes u16(int value) {
    return u8(value >> 8).u8(value);
  }

  StreamBytes u32(int value) {
    return u16(value >> 16).u16(value);
  }

  StreamBytes u64(long value) {
    return u32((int) (value >> 32)).u32((int) value);
  }

  StreamBytes bytes(byte[] bytes) {
    out.writeBytes(bytes);
    return this;
  }

  StreamBytes text(String text) {
    return bytes(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  StreamBytes name(String name) {
    return u8(name.length()).text(name);
  }

  StreamBytes header() {
    return text("QEVM").u32(3);
  }

  StreamBytes configuration(String machineType) {
    return u8(7).u32(machineType.length()).text(machineType);
  }

  StreamBytes start(String name) {
    return u8(1).u32(2).name(name).u32(0).u32(4);
  }

  /** Block a of two pages and block b of one. */
  StreamBytes blocks() {
    return u64(3 * 4096 | 0x04).name("a").u64(2 * 4096).name("b").u64(4096);
  }

  StreamBytes page(String block, long offset, int seed) {
    return u64(offset | 0x08).name(block).bytes(content(seed));
  }

  StreamBytes nextPage(long offset, int seed) {
    return u64(offset | 0x28).bytes(content(seed));
  }

  StreamBytes zero(String block, long offset) {
    return u64(offset | 0x02).name(block).u8(0);
  }

  StreamBytes nextZero(long offset) {
    return u64(offset | 0x22).u8(0);
  }

  StreamBytes part() {
    return u8(2).u32(2);
  }

  StreamBytes end() {
    return u8(3).u32(2);
  }

  StreamBytes eos() {
    return u64(0x10);
  }

  StreamBytes footer() {
    return u8(0x7e).u32(2);
  }

  StreamBytes command(int command, byte[] body) {
    return u8(8).u16(command).u16(body.length).bytes(body);
  }

  /** Up to and with the block list: what every stream has. */
  static StreamBytes started() {
    return new StreamBytes().header().configuration("pc-q35-7.2").start("ram").blocks();
  }

  /** Everything that a parsed stream can have, with device state behind. */
  static StreamBytes everything() {
    String vmdesc = "{\"page_size\": 4096, \"devices\": []}";
    return new StreamBytes()
        .header()
        .configuration("pc-q35-7.2")
        .u8(5)
        .name("configuration/capabilities")
        .u32(1)
        .u32(2)
        .name("x")
        .name("validate-uuid")
        .u8(5)
        .name("configuration/uuid")
        .u32(1)
        .bytes(new byte[16])
        .command(1, new byte[0])
        .command(2, new byte[] {0, 0, 0, 1})
        .start("ram")
        .blocks()
        .eos()
        .footer()
        .part()
        .page("a", 0, 1)
        .nextZero(4096)
        .zero("b", 0)
        .nextPage(0, 2)
        .u64(0x60)
        .u8(1)
        .u16(5)
        .text("delta")
        .eos()
        .footer()
        .command(11, new byte[0])
        .part()
        .eos()
        .footer()
        .command(7, new byte[] {0, 0, 0, 9})
        .text("a package")
        .end()
        .page("a", 4096, 3)
        .page("b", 0, 4)
        .eos()
        .footer()
        .u8(4)
        .u32(3)
        .name("timer")
        .u32(0)
        .u32(2)
        .u64(1)
        .u64(2)
        .u64(3)
        .u8(0x7e)
        .u32(3)
        .u8(0)
        .u8(6)
        .u32(vmdesc.length())
        .text(vmdesc);
  }

  static byte[] content(int seed) {
    byte[] page = new byte[RamBlock.PAGE_SIZE];
    new Random(seed).nextBytes(page);
    return page;
  }

  byte[] toBytes() {
    return out.toByteArray();
  }

  ByteBuffer toBuffer() {
    return ByteBuffer.wrap(toBytes());
  }
}
