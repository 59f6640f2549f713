# shellcheck shell=bash
# The nodes' lives: made, started, looked into, rebooted.

# Fails unless the node's systemd runs; prints its pid as the machine sees it.
node_pid() { live_pid "$(node_dir "$1")/pid" "node/$1"; }

# Runs a command inside a node, as root, with a server's plain environment: in_node NODE COMMAND...
in_node() { (become_node "$@"); }

# The same, in place of this shell: whoever kills ./testbed kills nsenter, and pdeathsig then kills the
# command, which else would go on inside.
become_node() {
  local node=$1 pid
  shift
  pid=$(node_pid "$node") || die "$node is not running; ./testbed up starts it."
  cgroup_enter "node/$node/exec"
  exec 9>&- nsenter --target "$pid" --mount --uts --ipc --net --pid --cgroup -- \
    setpriv --pdeathsig KILL env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/root USER=root LOGNAME=root LANG=C.UTF-8 TERM="${TERM:-dumb}" "$@"
}

# Makes a node's folder: which root it stands on, its writable layer, and the files that give it its
# identity. Renamed into place when complete.
node_create() {
  local node=$1 suite=$2 dir making seed
  dir=$(node_dir "$node")
  [[ ! -d $dir ]] || return 0
  making=$STATE/nodes/.making-$node
  rm -rf "$making"
  seed=$making/seed
  mkdir -p "$making"/{root,upper,work} "$seed"/etc/{ssh,libvirt} "$seed/root/.ssh"
  echo "$suite" >"$making/suite"
  root_path "$suite" >"$making/root-path"
  chmod 755 "$making/upper"
  echo "$node" >"$seed/etc/hostname"
  tr -d - </proc/sys/kernel/random/uuid >"$seed/etc/machine-id"
  ssh-keygen -q -t ed25519 -N '' -C "$node" -f "$seed/etc/ssh/ssh_host_ed25519_key"
  chmod 700 "$seed/root/.ssh"
  # the one change to libvirt's settings: nodes of one machine would else have the same UUID, and
  # libvirt refuses to migrate between equal ones
  cp "$(<"$making/root-path")/etc/libvirt/libvirtd.conf" "$seed/etc/libvirt/libvirtd.conf"
  echo "host_uuid = \"$(</proc/sys/kernel/random/uuid)\"" >>"$seed/etc/libvirt/libvirtd.conf"
  mv -T "$making" "$dir"
}

node_has_pid() { node_pid "$1" >/dev/null; }

# Starts the node if it isn't running with a supervisor and a cable of its own.
node_start() {
  local node=$1 dir pid
  dir=$(node_dir "$node")
  pid=$(node_pid "$node") || pid=
  link_up "$node" "$pid"
  if [[ -n $pid ]]; then
    live_pid "$dir/supervisor.pid" "node/$node/supervisor" >/dev/null && return
    say "$node has lost its supervisor, starting it again"
  fi
  cgroup_kill "node/$node"
  spawn "node/$node/supervisor" "$dir/console.log" bash "$NODES/node-supervise.sh" \
    "$dir" "$(link_dir "$node")/pid" "$CGROUPS/node/$node"
  echo "$SPAWNED" >"$dir/supervisor.pid"
  wait_until 10 node_has_pid "$node" || die "$node didn't start: $(tail -n 3 "$dir/console.log")"
}

# What systemd says of the whole node: running, degraded, starting, … or off.
node_state() {
  if node_has_pid "$1"; then
    in_node "$1" systemctl is-system-running 2>/dev/null || true
  else
    echo off
  fi
}

# Booted, or never going to.
node_settled() {
  [[ $(node_state "$1") == @(running|degraded) ]] ||
    ! live_pid "$(node_dir "$1")/supervisor.pid" "node/$1/supervisor" >/dev/null
}

# SSH from the laptop is what a user needs, so it is what "up" means.
node_answers() { in_link laptop bash -c "exec 3<>/dev/tcp/$(address "$1")/22 && read -r -t 2 banner <&3 && [[ \$banner == SSH-* ]]" 2>/dev/null; }

node_wait() {
  local node=$1
  wait_until 90 node_settled "$node" || die "$node didn't boot in 90 s, systemd says: $(node_state "$node")."
  node_has_pid "$node" || die "$node ended while it booted: $(tail -n 3 "$(node_dir "$node")/console.log")"
  [[ $(node_state "$node") == running ]] ||
    say "$node runs, but these units failed: $(in_node "$node" systemctl list-units --failed --plain --no-legend | awk '{print $1}' | paste -sd ' ')"
  wait_until 20 node_answers "$node" || die "$node runs, but its sshd doesn't answer."
}

# --- commands ------------------------------------------------------------------------------------

command_reboot() {
  local hard=false node pid
  [[ ${1:-} != --hard ]] || { hard=true; shift; }
  (($# == 1)) || usage "reboot takes a node (and --hard to cut its power)."
  node=$1
  take_lock
  need_switch
  check_node "$node"
  pid=$(node_pid "$node") || die "$node is not running; ./testbed up starts it."
  touch "$(node_dir "$node")/again"
  if $hard; then
    kill -KILL "$pid"
  else
    # SIGRTMIN+5 is systemd's reboot.target
    kill -RTMIN+5 "$pid"
  fi
  wait_until 40 node_left "$node" "$pid" || {
    say "$node doesn't shut down in 40 s, cutting its power"
    kill -KILL "$pid"
  }
  wait_until 10 node_has_pid "$node" || die "$node didn't come back: $(tail -n 3 "$(node_dir "$node")/console.log")"
  node_wait "$node"
}

# Has the node's process PID ended?
node_left() { [[ $(node_pid "$1") != "$2" ]]; }

command_exec() {
  (($# >= 2)) || usage "exec takes a node or laptop, and a command."
  local member=$1
  shift
  need_switch
  check_member "$member"
  if [[ $member == laptop ]]; then
    become_laptop "$@"
  else
    become_node "$member" "$@"
  fi
}

command_ssh() {
  (($# >= 1)) || usage "ssh takes a node, and perhaps a command."
  need_switch
  check_node "$1"
  become_laptop ssh "$@"
}

# copy FILE NODE:PATH: for disk images, whose holes stay holes
command_copy() {
  [[ $# == 2 && $2 == *:/* ]] || usage "copy takes a file and NODE:/PATH."
  local file=$1 node=${2%%:*} path=${2#*:}
  [[ -f $file && -r $file ]] || die "there is no readable file '$file'."
  need_switch
  check_node "$node"
  in_node "$node" cp --sparse=always --no-preserve=mode /dev/stdin "$path" <"$file"
}
