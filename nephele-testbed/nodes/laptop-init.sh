#!/bin/bash
# Holds the laptop's namespaces: laptop-init.sh LAPTOP-DIR. Mounts are seen by the laptop only and
# vanish with its last process.
set -euo pipefail
dir=$1
hostname laptop 2>/dev/null || echo laptop >/proc/sys/kernel/hostname
for top in usr etc; do
  mount -t overlay -o "lowerdir=/$top,upperdir=$dir/$top/upper,workdir=$dir/$top/work" overlay "/$top"
done
mount --bind "$dir/ssh" /root/.ssh
touch "$dir/ready"
exec sleep infinity
