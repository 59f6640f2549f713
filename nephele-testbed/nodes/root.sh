# shellcheck shell=bash
# The Debian roots that nodes start from: one read-only folder a suite, made by mmdebstrap.

ROOT_PACKAGES=(
  systemd systemd-sysv dbus
  openssh-server
  libvirt-daemon-system libvirt-clients qemu-system-x86 qemu-utils
  default-jre-headless
  socat netcat-openbsd iproute2 iputils-ping procps
)

# Nobody reads these in a node; leaving them out saves a third of the unpacking.
ROOT_LEFT_OUT=('/usr/share/man/*' '/usr/share/doc/*' '/usr/share/info/*' '/usr/share/locale/*' '/usr/share/icons/*')

# Jobs of a server that would only make the nodes noisy, slow to boot or fail without a network.
ROOT_MASKED=(
  apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service
  fstrim.timer logrotate.timer man-db.timer systemd-timesyncd.service
  console-getty.service getty@tty1.service getty.target
)

# Prints the root's folder for SUITE. Its name holds a digest of the recipe and the lists above, so a
# change in them makes a new root and never reuses an old one.
root_path() {
  local digest
  digest=$(printf '%s\n' "${ROOT_PACKAGES[@]}" "${ROOT_LEFT_OUT[@]}" "${ROOT_MASKED[@]}" |
    cat - "$NODES/root-build.sh" | sha256sum | cut -c1-12)
  echo "$CACHE/roots/$1-$digest"
}

# Makes the root for SUITE unless it is there. It is built under another name, synced and renamed, so a
# folder with the final name is always whole; what a killed build left is removed first.
root_make() {
  local suite=$1 root building started=$SECONDS
  root=$(root_path "$suite")
  [[ ! -d $root ]] || return 0
  say "making the Debian $suite root for the nodes (once, about a minute)"
  cgroup_kill build
  mkdir -p "$CACHE/roots" "$CACHE/apt/$suite"
  rm -rf --one-file-system "$CACHE/roots/.building-$suite"*
  building=$CACHE/roots/.building-$suite
  # An own mount namespace: mmdebstrap's mounts in the new root vanish with it, even after kill -9.
  spawn build "$CACHE/roots/$suite.log" unshare --mount bash "$NODES/root-build.sh" "$suite" "$building" "$CACHE/apt/$suite" \
    "$(IFS=,; echo "${ROOT_PACKAGES[*]}")" "${ROOT_MASKED[*]}" "${ROOT_LEFT_OUT[@]}"
  wait_until 900 cgroup_empty build || true
  cgroup_kill build
  [[ -e $building.ok ]] || {
    tail -n 20 "$CACHE/roots/$suite.log" >&2
    die "the Debian $suite root could not be made; the whole story is in $CACHE/roots/$suite.log."
  }
  sync -f "$building"
  mv -T "$building" "$root"
  rm -f "$building.ok"
  root_forget_old "$suite" "$root"
  say "the $suite root is ready after $((SECONDS - started)) s: $root"
}

# Removes roots of SUITE from older recipes, except those that a node still stands on.
root_forget_old() {
  local suite=$1 current=$2 old
  for old in "$CACHE/roots/$suite"-*; do
    [[ -d $old && $old != "$current" ]] || continue
    grep -qxFs "$old" "$STATE"/nodes/*/root-path || rm -rf --one-file-system "$old"
  done
}
