# shellcheck shell=bash
# Debian packages that making guests needs, and how to get what is missing. To be sourced; reused by the scripts above.

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

# Installs those of the given Debian packages that are missing; needs root only then. Output goes to stderr.
need_packages() {
    local package missing=()
    for package in "$@"; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
    done
    ((${#missing[@]} == 0)) && return
    if ((EUID != 0)); then
        echo "These Debian packages are missing, install them as root: ${missing[*]}" >&2
        return 1
    fi
    echo "Installing ${missing[*]}" >&2
    apt_get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

# apt-get that waits for another apt to end, and fetches the package lists once if a package can't be found.
apt_get() {
    local options=(-o DPkg::Lock::Timeout=600 -o APT::Sandbox::User=root)
    DEBIAN_FRONTEND=noninteractive apt-get "${options[@]}" "$@" && return
    echo "Trying again with fresh package lists" >&2
    apt-get "${options[@]}" update -qq >&2 || return 1
    DEBIAN_FRONTEND=noninteractive apt-get "${options[@]}" "$@"
}
