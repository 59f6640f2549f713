# shellcheck shell=bash
# The debian guest: Debian 12 with systemd, sshd, nginx, redis, sqlite and the QEMU guest agent on a 2 GiB disk.
# Beside the disk it leaves NAME-HASH.key (logs in as root) and NAME-HASH.hostkey.pub (what the guest's sshd shows).

# util-linux-extra has hwclock, without which the guest agent can't set the clock.
DEBIAN_GUEST_PACKAGES=util-linux-extra,systemd-sysv,dbus,udev,iproute2,procps,kmod,less,openssh-server,nginx-light,redis-server,sqlite3,qemu-guest-agent,curl,ca-certificates,e2fsprogs

# make_debian_root ROOT KEY_PUB: a Debian root with everything but the kernel.
make_debian_root() {
    local root=$1 key=$2
    # In namespaces that end with it: a build that is killed leaves neither processes nor mounts in the root.
    unshare --mount --pid --fork --kill-child --mount-proc \
        mmdebstrap --quiet --mode=root --variant=minbase --include="$DEBIAN_GUEST_PACKAGES" \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        bookworm "$root" \
        'deb http://deb.debian.org/debian bookworm main' \
        'deb http://deb.debian.org/debian bookworm-updates main' \
        'deb http://deb.debian.org/debian-security bookworm-security main'
    cp -r debian/root/. "$root/"
    chmod 0755 "$root/usr/local/bin/workload"
    install -D -m 0600 "$key" "$root/root/.ssh/authorized_keys"
    chmod 0700 "$root/root/.ssh"
    echo debian >"$root/etc/hostname"
    echo '127.0.0.1 localhost debian' >"$root/etc/hosts"
    rm -f "$root/etc/resolv.conf"
    echo 'nameserver 10.0.2.3' >"$root/etc/resolv.conf"
    echo '/dev/vda2 / ext4 noatime,discard,errors=remount-ro 0 1' >"$root/etc/fstab"
    # For a person at the screen; sshd takes only the key.
    echo 'root:nephele' | chroot "$root" chpasswd
    # An empty machine-id would make the first boot a long one.
    tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
    # selfcheck owns ttyS0; work at times that nobody chose would disturb measurements.
    systemctl --root="$root" --quiet mask serial-getty@ttyS0.service apt-daily.timer apt-daily-upgrade.timer \
        e2scrub_all.timer e2scrub_reap.service dpkg-db-backup.timer logrotate.timer systemd-networkd-wait-online.service
    systemctl --root="$root" --quiet enable systemd-networkd.service selfcheck.service ssh.service nginx.service \
        redis-server.service
}

make_guest() {
    local tmp=$1 qcow2=$2
    local root=$tmp/root initramfs=$tmp/initramfs
    unpack_kernel "$tmp/kernel"
    ssh-keygen -q -t ed25519 -N '' -C 'nephele test guest' -f "$tmp/disk.key"
    make_debian_root "$root" "$tmp/disk.key.pub"
    cp "$root/etc/ssh/ssh_host_ed25519_key.pub" "$tmp/disk.hostkey.pub"
    build_selfcheck "$root/usr/local/bin/selfcheck"
    mkdir -p "$root/usr/lib/modules"
    cp -a "$tmp/kernel/root/lib/modules/$KERNEL_VERSION" "$root/usr/lib/modules/"

    mkdir -p "$initramfs"
    add_busybox "$initramfs"
    add_modules "$tmp/kernel/root" "$initramfs" virtio_pci virtio_blk
    install -m 0755 debian/initramfs/init "$initramfs/init"
    pack_initramfs "$initramfs" "$tmp/initrd.gz"

    truncate -s "$((2048 - 32))M" "$tmp/root.ext4"
    mke2fs -q -t ext4 -L root -m 1 -d "$root" -E lazy_itable_init=0,lazy_journal_init=0,nodiscard "$tmp/root.ext4"
    # Mitigations guard nothing here and cost a fifth of the boot under TCG.
    make_disk "$tmp" "$tmp/kernel/root/boot/vmlinuz-$KERNEL_VERSION" "$tmp/initrd.gz" \
        'root=/dev/vda2 console=ttyS0,115200 console=tty0 quiet mitigations=off apparmor=0 audit=0' "$tmp/root.ext4" "$qcow2"
}
