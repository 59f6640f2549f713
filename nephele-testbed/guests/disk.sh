# shellcheck shell=bash
# Building blocks of a guest: selfcheck, kernel, initramfs, bootable disk. Sourced by make, in this folder, after ../nodes/packages.sh.
# Nothing here mounts anything: partitions are made as files (mtools, mke2fs -d) and put together.

# build_selfcheck FILE
build_selfcheck() {
    gcc -std=gnu17 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -static -pthread -o "$1" selfcheck/*.c
}

# kernel_package: the name of the package that Debian's cloud kernel is in at present; empty without package lists.
kernel_package() {
    apt-cache depends linux-image-cloud-amd64 2>/dev/null | awk '$1 == "Depends:" { print $2; exit }' || true
}

# download_kernel DIR: sets KERNEL_VERSION. Fails when the package lists are absent or older than the archive.
download_kernel() {
    local package
    package=$(kernel_package)
    [[ -n $package ]] || return
    KERNEL_VERSION=${package#linux-image-}
    (cd "$1" && apt-get "${APT_OPTIONS[@]}" download -qq "$package")
}

# unpack_kernel DIR: Debian's cloud kernel with its modules, unpacked, not installed. Sets KERNEL_VERSION.
unpack_kernel() {
    local dir=$1
    mkdir -p "$dir/deb" "$dir/root"
    download_kernel "$dir/deb" 2>/dev/null || {
        apt-get "${APT_OPTIONS[@]}" update -qq
        download_kernel "$dir/deb"
    } || {
        echo "apt-get could not download Debian's kernel (linux-image-cloud-amd64): see its messages above." >&2
        return 1
    }
    dpkg-deb -x "$dir"/deb/*.deb "$dir/root"
    rm -r "$dir/deb"
    depmod -b "$dir/root" "$KERNEL_VERSION"
}

# add_modules KERNEL_ROOT INITRAMFS_ROOT MODULE...: copies modules with what they depend on, and writes
# /modules.list of the initramfs, the order in which insmod can take them.
add_modules() {
    local kernel=$1 root=$2 module path
    shift 2
    mkdir -p "$root/modules"
    for module in "$@"; do
        # Lines are "insmod /path/x.ko" or "builtin x".
        modprobe -d "$kernel" -S "$KERNEL_VERSION" --show-depends "$module" | awk '$1 == "insmod" { print $2 }'
    done | awk '!seen[$0]++' | while read -r path; do
        cp "$path" "$root/modules/"
        echo "/modules/${path##*/}"
    done >"$root/modules.list"
    [[ -s $root/modules.list ]]
}

# add_busybox INITRAMFS_ROOT
add_busybox() {
    local root=$1 applet
    mkdir -p "$root"/{bin,proc,sys,dev,etc,tmp}
    ln -sfn bin "$root/sbin"
    for applet in $(/bin/busybox --list); do
        ln -sf busybox "$root/bin/$applet"
    done
    rm -f "$root/bin/busybox" # busybox lists itself
    cp /bin/busybox "$root/bin/busybox"
}

# pack_initramfs ROOT FILE
pack_initramfs() {
    (cd "$1" && find . -print0 | LC_ALL=C sort -z | cpio --null --create --format=newc --owner=0:0 --quiet) |
        gzip -9n >"$2"
}

# make_disk TMP KERNEL INITRAMFS CMDLINE EXT4_FILE QCOW2_FILE: an MBR disk; partition 1 is FAT with syslinux, kernel
# and initramfs, partition 2 is the given file system.
make_disk() {
    local tmp=$1 kernel=$2 initramfs=$3 cmdline=$4 ext4=$5 qcow2=$6
    local boot_mib=31 ext4_mib # with the MBR's 1 MiB that is an even 32 MiB; a kernel and its initramfs take about 17
    ext4_mib=$(($(stat -c %s "$ext4") / 1048576))

    cat >"$tmp/syslinux.cfg" <<END
DEFAULT linux
PROMPT 0
TIMEOUT 0
LABEL linux
  LINUX /vmlinuz
  INITRD /initrd.gz
  APPEND $cmdline
END
    # Hidden sectors (-h) must tell where the partition starts, or syslinux reads from a wrong place.
    truncate -s "${boot_mib}M" "$tmp/boot.fat"
    mkfs.fat -F 16 -h 2048 -n BOOT "$tmp/boot.fat" >/dev/null
    mcopy -i "$tmp/boot.fat" "$kernel" ::vmlinuz
    mcopy -i "$tmp/boot.fat" "$initramfs" ::initrd.gz
    mcopy -i "$tmp/boot.fat" "$tmp/syslinux.cfg" ::syslinux.cfg
    syslinux --install "$tmp/boot.fat"

    truncate -s "$((1 + boot_mib + ext4_mib))M" "$tmp/disk.raw"
    printf 'label: dos\n start=1MiB, size=%dMiB, type=e, bootable\n start=%dMiB, type=83\n' "$boot_mib" "$((1 + boot_mib))" |
        sfdisk --quiet "$tmp/disk.raw"
    dd if=/usr/lib/syslinux/mbr/mbr.bin of="$tmp/disk.raw" bs=440 count=1 conv=notrunc status=none
    dd if="$tmp/boot.fat" of="$tmp/disk.raw" bs=1M seek=1 conv=notrunc,sparse status=none
    dd if="$ext4" of="$tmp/disk.raw" bs=1M seek="$((1 + boot_mib))" conv=notrunc,sparse status=none
    qemu-img convert -O qcow2 "$tmp/disk.raw" "$qcow2"
}
