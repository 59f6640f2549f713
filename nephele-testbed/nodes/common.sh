# shellcheck shell=bash
# Paths, errors, the lock, and the cgroups by which every process of the testbed is found again.

STATE=${NEPHELE_TESTBED_STATE:-/var/lib/nephele-testbed}
CACHE=${NEPHELE_TESTBED_CACHE:-/var/cache/nephele-testbed}
NETWORK=10.87.0
MAX_NODES=9

die() {
  echo "testbed: $*" >&2
  exit 1
}

say() { echo "testbed: $*" >&2; }

# The state folder's path becomes part of mount options, where these characters would end it.
check_paths() {
  local path
  for path in "$STATE" "$CACHE"; do
    [[ $path == /* && $path != *[,:\\[:space:]]* ]] ||
      die "'$path' can't be used: the state and cache folders need an absolute path without spaces, commas, colons and backslashes."
  done
}

# One command at a time may change the testbed. The lock is on file descriptor 9, which long-lived
# children must not inherit (see spawn), or they would hold it for as long as they run.
take_lock() {
  mkdir -p "$STATE" "$CACHE"
  exec 9>"$STATE/lock"
  flock -n 9 || {
    say "another testbed command is at work, waiting for it"
    flock 9
  }
}

# Waits until a command succeeds: wait_until SECONDS COMMAND...
wait_until() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.05
  done
}

# Runs FUNCTION for each of the names at the same time; fails when one of them failed.
for_each() {
  local function=$1 name pid pids=() failed=0
  shift
  for name; do
    "$function" "$name" &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do
    wait "$pid" || failed=1
  done
  ((failed == 0))
}

# --- cgroups -----------------------------------------------------------------------------------
# Every process belongs to a cgroup below one folder of the cgroup2 hierarchy, so that "all of node1"
# is an exact set that the kernel keeps, whatever was forked, renamed or orphaned in it. Nothing is
# ever looked up by a process name. The folder's name depends on the state folder: two testbeds with
# different state folders don't see each other.

cgroup_folder() {
  local mounted name=nephele-testbed
  mounted=$(findmnt -n -t cgroup2 -o TARGET | head -n 1)
  [[ -n $mounted ]] || die "no cgroup2 hierarchy is mounted on this machine (usually on /sys/fs/cgroup), and the nodes need one."
  [[ $STATE == /var/lib/nephele-testbed ]] || name+=-$(printf %s "$STATE" | sha256sum | cut -c1-8)
  CGROUPS=$mounted/$name
}

# Makes the cgroup NAME (folders allowed). Controllers are not handed down: not every machine has them in
# this hierarchy, and nodes should be the same everywhere.
cgroup_make() {
  mkdir -p "$CGROUPS/$1" 2>/dev/null ||
    die "the cgroup $CGROUPS/$1 can't be made; the testbed needs root and a writable cgroup2 hierarchy."
}

# Moves the shell that calls this into cgroup NAME.
cgroup_enter() {
  cgroup_make "$1"
  echo "$BASHPID" >"$CGROUPS/$1/cgroup.procs"
}

# Does process PID belong to cgroup NAME, or to any of the testbed if NAME is empty? This is also what makes a stored pid safe to use: a number
# that another process has got meanwhile does not pass, nor does a process that is dead and not yet reaped.
cgroup_has() {
  local pid=$1 name=${CGROUPS##*/}${2:+/$2} path
  [[ -n $pid ]] || return 1
  grep -qs '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$pid/status" || return 1
  path=$(sed -n 's/^0:://p' "/proc/$pid/cgroup" 2>/dev/null) || return 1
  [[ $path == */"$name" || $path == */"$name"/* ]]
}

cgroup_empty() { [[ ! -d $CGROUPS/$1 ]] || grep -q '^populated 0' "$CGROUPS/$1/cgroup.events"; }

# Kills everything in cgroup NAME (empty: the whole testbed) and removes it. Nothing in it can escape
# or delay that.
cgroup_kill() {
  local folder=$CGROUPS${1:+/$1}
  [[ -d $folder ]] || return 0
  echo 1 >"$folder/cgroup.kill"
  wait_until 20 cgroup_empty "$1" || die "processes of ${1:-the testbed} don't die; see $folder/cgroup.procs."
  find "$folder" -depth -type d -exec rmdir {} +
}

# Starts a long-lived process in cgroup NAME, in a session of its own (so that Ctrl-C in the caller's
# terminal stays there) and with no open file of the caller: neither our lock, nor a pipe whose reader
# would wait for its end for ever. Its pid is in SPAWNED. Output goes to LOG.
spawn() {
  local name=$1 log=$2 descriptor
  shift 2
  (
    cgroup_enter "$name"
    for descriptor in /proc/self/fd/*; do
      ((${descriptor##*/} < 3)) || eval "exec ${descriptor##*/}>&-"
    done
    exec setsid "$@" </dev/null >>"$log" 2>&1
  ) &
  SPAWNED=$!
  disown "$SPAWNED"
  wait_until 5 spawned_in "$name" || die "a process of $name could not be moved into its cgroup $CGROUPS/$name."
}

# True as well for one that has already ended.
spawned_in() { cgroup_has "$SPAWNED" "$1" || ! kill -0 "$SPAWNED" 2>/dev/null; }

# The pid stored in FILE if that process still belongs to cgroup NAME; fails otherwise.
live_pid() {
  local pid
  pid=$(cat "$1" 2>/dev/null) && cgroup_has "$pid" "$2" && echo "$pid"
}

# --- nodes -------------------------------------------------------------------------------------

node_dir() { echo "$STATE/nodes/$1"; }

# The nodes that were made, in order.
nodes() {
  local i
  for ((i = 1; i <= MAX_NODES; i++)); do
    [[ ! -d $STATE/nodes/node$i ]] || echo "node$i"
  done
}

# nodes and the laptop: everything with a link to the switch
members() {
  nodes
  echo laptop
}

address() {
  case $1 in
    laptop) echo "$NETWORK.2" ;;
    node*) echo "$NETWORK.$((10 + ${1#node}))" ;;
  esac
}

check_node() {
  [[ $1 =~ ^node[1-9]$ && -d $STATE/nodes/$1 ]] ||
    die "there is no node '$1'; those that are up: $(nodes | paste -sd ' ') (./testbed up makes them)."
}

check_member() { [[ $1 == laptop ]] || check_node "$1"; }
