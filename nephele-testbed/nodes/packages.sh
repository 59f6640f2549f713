#!/bin/bash
# What the testbed needs from the machine it runs on. libvirtd and the agent are not here on purpose:
# they live in the nodes' own Debian roots and never touch the developer's machine.
#
# Sourced by ./testbed, ./demo and ./verify; run directly, it installs what is missing.

# shellcheck disable=SC2034  # read by the scripts that source this file
NODES_PACKAGES=(
  mmdebstrap debian-archive-keyring # the nodes' roots
  iproute2 util-linux               # bridge, veth, tbf; unshare, nsenter
  gcc libc6-dev                     # the delay relay
  openssh-client                    # the laptop's ssh, and all the keys
  tar
)

# Wait for another apt to end. Packages may be fetched into folders that only root can read.
APT_OPTIONS=(-o DPkg::Lock::Timeout=600 -o APT::Sandbox::User=root)

apt_install() {
  DEBIAN_FRONTEND=noninteractive apt-get "${APT_OPTIONS[@]}" install -qq -y --no-install-recommends "$@"
}

# Prints those of the given packages that are not installed. Asks dpkg only, so it costs some
# milliseconds and needs no network when nothing is missing.
packages_missing() {
  local status
  status=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true)
  local package
  for package in "$@"; do
    grep -qxF "installed $package" <<<"$status" || echo "$package"
  done
}

# Installs those of the given packages that are missing; needs root only then.
packages_install() {
  local missing
  mapfile -t missing < <(packages_missing "$@")
  ((${#missing[@]})) || return 0
  if ((EUID != 0)); then
    echo "These packages are missing and only root can install them: ${missing[*]}" >&2
    return 1
  fi
  echo "Installing ${missing[*]}" >&2
  # The package lists of a fresh machine may be absent or old: refresh them only if the first try fails.
  apt_install "${missing[@]}" >/dev/null 2>&1 ||
    { apt-get "${APT_OPTIONS[@]}" update -qq >&2 && apt_install "${missing[@]}" >&2; } ||
    { echo "apt-get could not install ${missing[*]}; see its messages above." >&2; return 1; }
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  set -euo pipefail
  packages_install "${NODES_PACKAGES[@]}"
fi
