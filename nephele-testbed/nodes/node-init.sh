#!/bin/bash
# Becomes PID 1 of a node: node-init.sh NODE-DIR. Started in fresh mount, pid, uts, ipc and cgroup
# namespaces and in the node's network namespace. Sets up the mounts a server's systemd expects, and
# nothing of the machine's beyond them, then hands over to the node's systemd.
set -euo pipefail
dir=$1
root=$dir/root

# The supervisor writes here when this process is the only one in the cgroup; systemd wants that.
read -r _ <"$dir/go"

mount --make-rprivate /
mount -t overlay -o "lowerdir=$(<"$dir/root-path"),upperdir=$dir/upper,workdir=$dir/work" overlay "$root"

# Identity and keys, at the first start only: whatever is changed inside later stays.
if [[ ! -e $dir/seeded ]]; then
  tar -C "$dir/seed" -c . | tar -C "$root" -x --no-overwrite-dir
  touch "$dir/seeded"
fi

# The kernel's settings belong to the machine: read-only, but for the node's own network.
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount --bind "$root/proc/sys/net" "$root/proc/sys/net"
mount -o remount,bind,ro "$root/proc/sys"
if [[ -e $root/proc/sysrq-trigger ]]; then
  mount --bind /dev/null "$root/proc/sysrq-trigger"
fi
# The machine's boot id would be the same on all nodes and after each reboot.
cat /proc/sys/kernel/random/uuid >"$dir/boot-id"
mount --bind "$dir/boot-id" "$root/proc/sys/kernel/random/boot_id"
mount -o remount,bind,ro "$root/proc/sys/kernel/random/boot_id"
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"
mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o nosuid,nodev,mode=755 tmpfs "$root/run"

# A /dev of its own. No kvm: one that does not work, or that QEMU's user may not open, makes libvirt
# probe QEMU again at every start of a domain, which takes seconds. No block devices of the machine.
mount -t tmpfs -o nosuid,mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
  cp -a "/dev/$device" "$root/dev/$device"
  chmod 666 "$root/dev/$device"
done
mkdir "$root"/dev/{pts,shm,mqueue,net}
mknod -m 666 "$root/dev/net/tun" c 10 200
mount -t devpts -o newinstance,nosuid,noexec,gid=5,mode=620,ptmxmode=666 devpts "$root/dev/pts"
mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs "$root/dev/shm"
mount -t mqueue mqueue "$root/dev/mqueue"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
ln -s fd/0 "$root/dev/stdin"
ln -s fd/1 "$root/dev/stdout"
ln -s fd/2 "$root/dev/stderr"

cd "$root"
pivot_root . mnt
umount -l /mnt
# "lxc" tells systemd that it runs in a container, so that it leaves the hardware to the machine
exec env -i container=lxc PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd
