# shellcheck shell=bash
# Debian packages that making guests needs. To be sourced, after nodes/packages.sh, which installs what is missing.
# shellcheck disable=SC2034  # read by the scripts that source this file

# What `make` calls on the host. None of these brings a kernel or a daemon.
GUEST_PACKAGES=(
    gcc libc6-dev                                          # selfcheck, statically linked
    busybox-static cpio gzip kmod                          # the initramfs
    fdisk dosfstools mtools syslinux syslinux-common       # a bootable disk without loop mounts
    e2fsprogs qemu-utils
    mmdebstrap debian-archive-keyring openssh-client       # the debian guest
)
# What `test-guests` calls besides.
GUEST_TEST_PACKAGES=(qemu-system-x86 socat)
