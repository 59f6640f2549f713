#!/bin/bash
# Builds one Debian root: root-build.sh SUITE TARGET DEB-CACHE PACKAGES MASKED-UNITS LEFT-OUT...
# Runs in a mount namespace of its own. TARGET.ok appears when, and only when, the root is whole.
set -euo pipefail
suite=$1 target=$2 debs=$3 packages=$4 masked=$5
shift 5

options=()
# mmdebstrap starts from an empty apt configuration; the machine's proxies and download settings hold here too.
while IFS= read -r line; do
  options+=("--aptopt=${line%;}")
done < <(apt-config dump 2>/dev/null | grep -iE '^Acquire::(https?::.*|Check-[A-Za-z-]+|Retries|ForceIPv[46]) ".+";$' || true)
for pattern in "$@"; do
  options+=("--dpkgopt=path-exclude=$pattern")
done

# Downloaded packages are kept as hard links, so that a second build needs no network.
# shellcheck disable=SC2016  # $1 is for mmdebstrap's own shell
mmdebstrap --mode=root --variant=minbase --format=directory \
  "${options[@]}" \
  --aptopt='APT::Install-Recommends "false"' \
  --aptopt='Acquire::Languages "none"' \
  --dpkgopt=force-unsafe-io \
  --include="$packages" \
  --skip=essential/unlink \
  --setup-hook='mkdir -p "$1/var/cache/apt/archives"; cp -al "'"$debs"'"/*.deb "$1/var/cache/apt/archives/" 2>/dev/null || true' \
  --setup-hook='mkdir -p "$1/usr/share/man/man1"' \
  --customize-hook='ln -f "$1"/var/cache/apt/archives/*.deb "'"$debs"'/" 2>/dev/null || cp -u "$1"/var/cache/apt/archives/*.deb "'"$debs"'/"' \
  "$suite" "$target"

# Each node gets keys and an identity of its own when it is made.
rm -f "$target"/etc/ssh/ssh_host_* "$target/etc/machine-id" "$target/var/lib/dbus/machine-id"
for unit in $masked; do
  ln -sf /dev/null "$target/etc/systemd/system/$unit"
done
# At shutdown the distribution's libvirt-guests gives guests five minutes to react to ACPI, which a test
# guest without an ACPI daemon never does.
echo 'SHUTDOWN_TIMEOUT=5' >>"$target/etc/default/libvirt-guests"

touch "$target.ok"
