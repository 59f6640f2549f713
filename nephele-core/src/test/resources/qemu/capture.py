#!/usr/bin/env python3
"""Records the migration streams of a real QEMU that the tests of org.nephele.core.qemu read.

    capture.py OUT.gz [--root DIR] [--live] [--postcopy] [--set CAPABILITY]... [QEMU ARGS]

Two QEMUs run the guest boot.bin; the stream from one to the other goes through this
program, which keeps a copy. The copy is kept only if the other QEMU took the stream. In the copy,
pages of the firmware (SeaBIOS and others, which are not ours to give away) have other content.
  --root DIR   run the QEMU that is unpacked below DIR instead of the machine's own, made by
               mmdebstrap --variant=extract --include=qemu-system-x86 trixie DIR
  --live       the guest runs meanwhile, so that there are several iterations
  --postcopy   switch to post-copy after the first iteration (needs root)
  --set        a migration capability for both
All streams that are here: see captures.sh.
"""
import argparse
import gzip
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time


# Not a multiple of 256 KiB: before 9.0, QEMU with TCG loses writes of a running guest otherwise
# (its dirty bitmap's fast path leaves the TLB as it was), and the guest here notices.
MEMORY = "16392k"


class Qemu:
    def __init__(self, root, folder, name, arguments):
        self.name = name
        path = os.path.join(root, folder.lstrip("/"), name + ".qmp")
        inside = os.path.join(folder, name + ".qmp")
        command = [
            "qemu-system-x86_64", "-accel", "tcg", "-machine", "q35", "-m", MEMORY, "-nodefaults",
            "-display", "none", "-serial", f"file:{folder}/{name}.serial", "-qmp", f"unix:{inside},server=on,wait=off",
            "-drive", f"if=none,id=d,format=raw,file={folder}/boot.bin,read-only=on,file.locking=off",
            "-device", "virtio-blk-pci,drive=d",
        ]
        if root != "/":
            command = ["chroot", root] + command
        self.process = subprocess.Popen(command + arguments)
        self.qmp = socket.socket(socket.AF_UNIX)
        for _ in range(200):
            try:
                self.qmp.connect(path)
                break
            except OSError:
                time.sleep(0.05)
        self.lines = self.qmp.makefile("r")
        self.lines.readline()
        self("qmp_capabilities")

    def __call__(self, command, **arguments):
        request = {"execute": command, "arguments": arguments}
        self.qmp.sendall(json.dumps(request).encode() + b"\n")
        while True:
            answer = json.loads(self.lines.readline())
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                sys.exit(f"{self.name}: {command}: {answer['error']['desc']}")

    def stop(self):
        self.process.kill()
        self.process.wait()


def rounds(serial, count):
    """Waits until the guest has printed that many rounds."""
    for _ in range(600):
        if os.path.exists(serial) and open(serial).read().count("\n") >= count:
            return
        time.sleep(0.05)
    sys.exit(f"the guest does not run: {os.path.basename(serial)} has {open(serial).read()!r}, not {count} rounds")


def pump(source, target, copy):
    while True:
        data = source.recv(1 << 18)
        if not data:
            try:
                target.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            return
        copy.append(data)
        target.sendall(data)


def without_firmware(stream, named_blocks_extra):
    """Replaces the content of all pages but the guest's own; the form stays as it is."""
    out = bytearray(stream)
    at, names, last = 8, set(), None
    while True:
        kind = out[at]
        if kind == 7:
            at += 5 + int.from_bytes(out[at + 1:at + 5], "big")
        elif kind == 5:
            name = bytes(out[at + 2:at + 2 + out[at + 1]])
            at += 2 + len(name) + 4
            if name.endswith(b"uuid"):
                at += 16
            else:  # the list of capabilities
                count = int.from_bytes(out[at:at + 4], "big")
                at += 4
                for _ in range(count):
                    at += 1 + out[at]
        elif kind == 8:
            command, length = out[at + 2], int.from_bytes(out[at + 3:at + 5], "big")
            package = int.from_bytes(out[at + 5:at + 9], "big") if command == 7 else 0
            at += 5 + length + package
        elif kind == 0x7e:
            at += 5
        elif kind in (1, 2, 3):
            at += 5 + (1 + out[at + 5] + 8 if kind == 1 else 0)
            while True:
                word = int.from_bytes(out[at:at + 8], "big")
                address, flags = word & ~0xfff, word & 0xfff
                at += 8
                if flags == 0x10:
                    break
                if flags == 0x04:
                    while address:
                        name = bytes(out[at + 1:at + 1 + out[at]])
                        at += 1 + len(name)
                        address -= int.from_bytes(out[at:at + 8], "big")
                        at += 8 + named_blocks_extra
                    continue
                if not flags & 0x20:
                    last = bytes(out[at + 1:at + 1 + out[at]])
                    at += 1 + len(last)
                if flags & 0x02:
                    at += 1
                elif flags & 0x40:
                    at += 3 + int.from_bytes(out[at + 1:at + 3], "big")
                elif flags & 0x08:
                    if not (last == b"pc.ram" and 0x7000 <= address < 0x90000):
                        digest = hashlib.sha256(out[at:at + 4096]).digest()
                        out[at:at + 4096] = digest * 128
                    at += 4096
                else:
                    sys.exit(f"unknown flags {flags:x} at {at - 8}")
            if kind == 3:
                return bytes(out)
        else:
            sys.exit(f"unknown element {kind} at {at}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--root", default="/")
    parser.add_argument("--live", action="store_true")
    parser.add_argument("--postcopy", action="store_true")
    parser.add_argument("--set", action="append", default=[])
    options, extra = parser.parse_known_args()
    extra = [argument for argument in extra if argument != "--"]
    here = os.path.dirname(os.path.abspath(__file__))
    outside = tempfile.mkdtemp(dir=os.path.join(options.root, "tmp"))
    folder = "/tmp/" + os.path.basename(outside)
    shutil.copy(os.path.join(here, "boot.bin"), outside)
    os.truncate(f"{outside}/boot.bin", 1 << 20)  # SeaBIOS takes no disk of one sector
    machines = []
    try:
        source = Qemu(options.root, folder, "source", extra)
        machines.append(source)
        target = Qemu(options.root, folder, "target", extra + ["-incoming", "defer"])
        machines.append(target)
        capabilities = [{"capability": name, "state": True} for name in options.set]
        for qemu in machines:
            if capabilities:
                qemu("migrate-set-capabilities", capabilities=capabilities)
        target("migrate-incoming", uri=f"unix:{folder}/in")
        rounds(f"{outside}/source.serial", 3)
        if not options.live:
            source("stop")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(f"{outside}/out")
        listener.listen()
        source("migrate-set-parameters", **{
            "max-bandwidth": 3 << 20 if options.live else 1 << 40, "downtime-limit": 1})
        source("migrate", uri=f"unix:{folder}/out")
        incoming = listener.accept()[0]
        outgoing = socket.socket(socket.AF_UNIX)
        outgoing.connect(f"{outside}/in")
        copy = []
        threading.Thread(target=pump, args=(outgoing, incoming, []), daemon=True).start()
        forward = threading.Thread(target=pump, args=(incoming, outgoing, copy))
        forward.start()
        if options.live:
            while source("query-migrate").get("ram", {}).get("dirty-sync-count", 0) < 3:
                time.sleep(0.05)
            if options.postcopy:
                source("migrate-start-postcopy")
            source("migrate-set-parameters", **{"max-bandwidth": 1 << 40, "downtime-limit": 1000})
        status = ""
        while status not in ("completed", "failed"):
            time.sleep(0.1)
            status = target("query-migrate").get("status", "")
        while source("query-migrate")["status"] not in ("completed", "failed"):
            time.sleep(0.1)
        if status == "failed":
            sys.exit("the other QEMU did not take the stream")
        source.stop()
        forward.join()
        target("cont")
        before = open(f"{outside}/target.serial").read().count("\n")
        rounds(f"{outside}/target.serial", before + 3)
        if "!" in open(f"{outside}/target.serial").read():
            sys.exit("the guest found its memory damaged")
        stream = without_firmware(b"".join(copy), 8 if "x-ignore-shared" in options.set else 0)
        with open(options.out, "wb") as out:
            with gzip.GzipFile(filename="", fileobj=out, mode="wb", mtime=0) as packed:
                packed.write(stream)
        print(options.out, len(stream), "bytes,", os.path.getsize(options.out), "packed")
    finally:
        for qemu in machines:
            qemu.stop()
        shutil.rmtree(outside)


main()
