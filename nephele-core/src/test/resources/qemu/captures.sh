#!/bin/bash
# Records all streams that the tests read, with the machine's QEMU 7.2 (Debian 12) and with the
# QEMU 10.0 below the folder given (see capture.py). As root.
set -euo pipefail
trixie=${1:?usage: captures.sh FOLDER_WITH_UNPACKED_TRIXIE}
cd "$(dirname "$0")"
for suffix in 7.2 10.0; do
  root=()
  [[ $suffix == 10.0 ]] && root=(--root "$trixie")
  ./capture.py "paused-$suffix.gz" "${root[@]}"
  ./capture.py "live-$suffix.gz" "${root[@]}" --live
  ./capture.py "xbzrle-$suffix.gz" "${root[@]}" --live --set xbzrle
  ./capture.py "advised-$suffix.gz" "${root[@]}" --live --set postcopy-ram --set release-ram
  ./capture.py "postcopy-$suffix.gz" "${root[@]}" --live --postcopy --set postcopy-ram
  ./capture.py "shared-$suffix.gz" "${root[@]}" --set x-ignore-shared --set validate-uuid \
    -uuid 6b8c9a1e-0f3d-4b7e-9a51-1d2c3b4a5f60
done
