#!/bin/bash
# Runs a node as long as it wants to live: node-supervise.sh NODE-DIR HOLDER-FILE CGROUP.
# Starts its PID 1, waits for its end, and starts it again if that was a reboot (from inside, or the
# file NODE-DIR/again, which asks for it whatever the end). Runs in CGROUP/supervisor; the node gets
# CGROUP/payload, which must hold nobody else, or systemd can't arrange its cgroups below. HOLDER-FILE
# has the pid of a process in the node's network namespace.
set -euo pipefail
here=$(dirname "$0")
dir=$1 holder_file=$2 cgroup=$3

first_child() { child=$(cat "/proc/$outer/task/$outer/children" 2>/dev/null) && child=${child%% *} && [[ -n $child ]]; }

while :; do
  rm -f "$dir/pid" "$dir/again" "$dir/go"
  mkfifo -m 600 "$dir/go"
  # the cgroups of an earlier run would forbid processes in their parent
  [[ ! -d $cgroup/payload ]] || find "$cgroup/payload" -depth -type d -exec rmdir {} +
  mkdir "$cgroup/payload"
  (
    echo "$BASHPID" >"$cgroup/payload/cgroup.procs"
    exec nsenter --net="/proc/$(<"$holder_file")/ns/net" \
      unshare --mount --pid --uts --ipc --cgroup --fork bash "$here/node-init.sh" "$dir"
  ) &
  outer=$!
  until first_child; do
    kill -0 "$outer" 2>/dev/null || exit 1
    sleep 0.01
  done
  echo "$outer" >"$cgroup/supervisor/cgroup.procs"
  echo "$child" >"$dir/pid.new"
  mv "$dir/pid.new" "$dir/pid"
  echo >"$dir/go"
  status=0
  wait "$outer" || status=$?
  # a reboot() in a pid namespace ends its PID 1 by SIGHUP, a power-off by SIGINT
  ((status == 129)) || [[ -e $dir/again ]] || break
done
rm -f "$dir/pid"
