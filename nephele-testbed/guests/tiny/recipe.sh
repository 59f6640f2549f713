# shellcheck shell=bash
# The tiny guest: Debian's cloud kernel, busybox and selfcheck in an initramfs; one ext4 partition for selfcheck's files.

make_guest() {
    local tmp=$1 qcow2=$2
    local root=$tmp/initramfs
    unpack_kernel "$tmp/kernel"
    mkdir -p "$root"
    add_busybox "$root"
    # button and evdev carry the ACPI power button to acpid.
    add_modules "$tmp/kernel/root" "$root" virtio_pci virtio_blk virtio_net virtio_balloon virtio_rng button evdev
    build_selfcheck "$root/bin/selfcheck"
    cp -r tiny/root/. "$root/"
    chmod 0755 "$root/init" "$root"/etc/{rcS,shutdown,network,udhcpc.sh,acpi/PWRF/00000080} "$root/bin/workload"
    pack_initramfs "$root" "$tmp/initrd.gz"
    truncate -s 160M "$tmp/data.ext4"
    mke2fs -q -t ext4 -L data -m 0 -E lazy_itable_init=0,lazy_journal_init=0,nodiscard "$tmp/data.ext4"
    make_disk "$tmp" "$tmp/kernel/root/boot/vmlinuz-$KERNEL_VERSION" "$tmp/initrd.gz" \
        'console=ttyS0,115200 console=tty0 quiet' "$tmp/data.ext4" "$qcow2"
}
