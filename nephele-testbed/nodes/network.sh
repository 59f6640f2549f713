# shellcheck shell=bash
# The cables and the switch: one network namespace for each node and the laptop, and one for the bridge
# between them. Nothing of this exists in the machine's own network namespace.
#
#   node1's namespace          the switch's namespace                        laptop's namespace
#   eth0 ────veth──── node1 ── br0 ── node2-delay ══relay══ node2 ────veth──── ...
#
# A namespace lives as long as a process is in it. So each has a holder, a process that only sleeps;
# with its death (or the machine's) the namespace, its veth and its bridge are gone without a trace.
# A node's namespace is not the node's own: the cable stays plugged in, and counts on, across a reboot.

# --- namespaces ----------------------------------------------------------------------------------

link_dir() { echo "$STATE/links/$1"; }

in_switch() { nsenter --net="/proc/$SWITCH/ns/net" "$@"; }

# Runs a command of the machine with the network of a node or the laptop: in_link MEMBER COMMAND...
in_link() {
  local holder
  holder=$(live_pid "$(link_dir "$1")/pid" "link-$1") || return 1
  shift
  nsenter --net="/proc/$holder/ns/net" "$@"
}

# A process in the middle of its exec has no readable namespace: that is "not yet", not "another".
other_namespace() {
  local namespace
  namespace=$(readlink "/proc/$1/ns/net" 2>/dev/null) && [[ -n $namespace && $namespace != "$(readlink /proc/self/ns/net)" ]]
}

# Starts a holder in cgroup NAME with a new network namespace, or with that of process PID if given.
hold_namespace() {
  local name=$1 file=$2 join=${3:-}
  if [[ -n $join ]]; then
    spawn "$name" /dev/null nsenter --net="/proc/$join/ns/net" sleep infinity
  else
    spawn "$name" /dev/null unshare --net sleep infinity
  fi
  wait_until 5 other_namespace "$SPAWNED" || die "no network namespace could be made for $name; is this run as root?"
  echo "$SPAWNED" >"$file"
}

# Sets SWITCH, or fails when the switch isn't there.
switch_find() { SWITCH=$(live_pid "$STATE/switch.pid" switch); }

switch_up() {
  local member
  if ! switch_find; then
    # relays that are left would keep the old switch's namespace, with the cables in it, alive
    for member in $(members); do
      relay_stop "$member"
    done
    hold_namespace switch "$STATE/switch.pid"
    SWITCH=$SPAWNED
  fi
  # no IPv6 and no multicast snooping: the switch itself must not say anything on the cables
  other_namespace "$SWITCH" || die "the switch has no network namespace of its own."
  in_switch sh -c 'ip link show br0 >/dev/null 2>&1 && exit
    echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
    ip link add br0 up type bridge stp_state 0 forward_delay 0 mcast_snooping 0' ||
    die "the bridge could not be made in the switch's namespace."
}

# --- links ---------------------------------------------------------------------------------------

# Gives MEMBER its namespace and its cable, whichever is missing, and brings the link to its set state.
# PID, if given, is a process that lives in the namespace while its holder was killed.
link_up() {
  local member=$1 join=${2:-} folder number
  folder=$(link_dir "$member")
  mkdir -p "$folder"
  live_pid "$folder/pid" "link-$member" >/dev/null || hold_namespace "link-$member" "$folder/pid" "$join"
  if ! in_switch ip link show "$member" >/dev/null 2>&1; then
    number=${member#node}
    [[ $member != laptop ]] || number=0
    in_link "$member" ip link del eth0 2>/dev/null || true
    in_switch ip link add "$member" type veth peer name eth0 netns "$(<"$folder/pid")" address "02:87:00:00:00:0$number" ||
      die "the cable of $member could not be made."
  fi
  # again at every up, since an earlier one may have been killed right here;
  # no link-local address: its chatter would be counted as traffic
  in_switch ip link set "$member" up
  in_link "$member" sh -c "ip link set lo up && ip link set eth0 addrgenmode none up && ip addr replace $(address "$member")/24 dev eth0" ||
    die "$member's network could not be set up."
  shape "$member"
  wire "$member"
}

setting() { cat "$(link_dir "$1")/$2" 2>/dev/null || echo "$3"; }

# --- rate ----------------------------------------------------------------------------------------

# Bits a second for "25mbit", "512kbit", "1gbit".
parse_rate() {
  [[ $1 =~ ^([0-9]{1,6}(\.[0-9]{1,3})?)([kmg])bit$ ]] || usage "'$1' is no rate; give one like 25mbit, 512kbit or 1gbit, or off."
  awk -v n="${BASH_REMATCH[1]}" -v unit="${BASH_REMATCH[3]}" 'BEGIN {
    bits = n * (unit == "k" ? 1e3 : unit == "m" ? 1e6 : 1e9); printf "%d\n", bits }'
}

# Sets the queues at both ends of a cable. tbf is always there, also with no rate set: its counters are
# the only ones that count what a wire would see. (A veth counts a 64 KiB segment as one packet with one
# header; the queue counts the forty-five frames that it stands for.) Changing a tbf keeps its counters.
#
# With a rate: 8 ms worth of burst, so that a busy machine's late timers don't cost throughput, and a queue
# of 50 ms, which is a home router with little bufferbloat; at least twenty full frames for slow links.
shape() {
  local member=$1 rate parameters
  rate=$(setting "$member" rate off)
  if [[ $rate == off ]]; then
    parameters='rate 100gbit burst 4mb limit 64mb'
  else
    parameters=$(awk -v bits="$(parse_rate "$rate")" 'BEGIN {
      burst = bits / 8 * 0.008; if (burst < 3200) burst = 3200
      queue = bits / 8 * 0.050; if (queue < 30280) queue = 30280
      printf "rate %dbit burst %d limit %d", bits, burst, burst + queue }')
  fi
  # shellcheck disable=SC2086  # several words
  { in_switch tc qdisc replace dev "$member" root handle 1: tbf $parameters &&
    in_link "$member" tc qdisc replace dev eth0 root handle 1: tbf $parameters; } ||
    die "tc could not set the rate of $member's link ($parameters)."
}

# --- delay and cuts ------------------------------------------------------------------------------

# Microseconds for "20ms", "500us", "1.5s".
parse_delay() {
  [[ $1 =~ ^([0-9]{1,6}(\.[0-9]{1,3})?)(us|ms|s)$ ]] || usage "'$1' is no delay; give one like 20ms, 500us or 1s, or off."
  awk -v n="${BASH_REMATCH[1]}" -v unit="${BASH_REMATCH[3]}" 'BEGIN {
    printf "%d\n", n * (unit == "us" ? 1 : unit == "ms" ? 1e3 : 1e6) }'
}

# Compiles the delay relay when its source has changed; prints the program's path.
relay_program() {
  local program
  program=$CACHE/bin/delay-relay-$(sha256sum "$NODES/delay-relay.c" | cut -c1-12)
  if [[ ! -x $program ]]; then
    mkdir -p "$CACHE/bin"
    gcc -O2 -Wall -Wextra -o "$program.new" "$NODES/delay-relay.c" || die "the delay relay could not be compiled."
    mv "$program.new" "$program"
  fi
  echo "$program"
}

relay_stop() {
  local relay file
  file=$(link_dir "$1")/relay.pid
  relay=$(live_pid "$file" "link-$1") || return 0
  kill -KILL "$relay"
  wait_until 5 process_gone "$relay" "link-$1" || die "the delay relay of $1 doesn't end."
  rm -f "$file"
}

process_gone() { ! cgroup_has "$1" "$2"; }

tap_exists() { in_switch ip link show "$1-delay" >/dev/null 2>&1; }

# Connects MEMBER's cable with the bridge: directly, or through the relay when a delay is set, or not at
# all when the link is cut. A cut link keeps its carrier, as if it broke somewhere further away: frames
# vanish without an error, which is the hard case for whoever sends them.
wire() {
  local member=$1 folder delay port relay
  folder=$(link_dir "$member")
  delay=$(setting "$member" delay off)
  port=$member
  if [[ $delay == off ]]; then
    relay_stop "$member"
  else
    port=$member-delay
    # half on the way out and half on the way back
    echo $(($(parse_delay "$delay") / 2)) >"$folder/delay-us"
    if relay=$(live_pid "$folder/relay.pid" "link-$member"); then
      kill -HUP "$relay"
    else
      in_switch ip link set "$member" nomaster
      spawn "link-$member" "$folder/relay.log" nice -n -15 nsenter --net="/proc/$SWITCH/ns/net" \
        "$(relay_program)" "$member" "$port" "$folder/delay-us"
      echo "$SPAWNED" >"$folder/relay.pid"
      wait_until 5 tap_exists "$member" || die "the delay relay of $member didn't start: $(tail -n 1 "$folder/relay.log")"
      in_switch ip link set "$port" up
    fi
  fi
  if [[ -e $folder/cut ]]; then
    in_switch ip link set "$port" nomaster
  else
    in_switch ip link set "$port" master br0
  fi
}

# --- commands ------------------------------------------------------------------------------------

# Which links a command means: the named one, or those of all nodes (the laptop's only by name).
chosen() {
  if (($#)); then
    check_member "$1"
    echo "$1"
  else
    nodes
  fi
}

need_switch() { switch_find || die "the testbed isn't up; start it with ./testbed up."; }

command_rate() {
  (($# == 1 || $# == 2)) || usage "rate takes a rate or off, and perhaps a node."
  [[ $1 == off ]] || parse_rate "$1" >/dev/null
  set_links rate shape "$@"
}

command_delay() {
  (($# == 1 || $# == 2)) || usage "delay takes a duration or off, and perhaps a node."
  [[ $1 == off ]] || parse_delay "$1" >/dev/null
  set_links delay wire "$@"
}

# Stores a setting of one or all links and applies it: set_links NAME FUNCTION VALUE [MEMBER]
set_links() {
  local name=$1 apply=$2 value=$3 members member
  shift 3
  take_lock
  need_switch
  members=$(chosen "$@")
  for member in $members; do
    echo "$value" >"$(link_dir "$member")/$name"
    "$apply" "$member"
  done
}

command_cut() {
  (($# == 1)) || usage "cut takes a node."
  take_lock
  need_switch
  check_member "$1"
  touch "$(link_dir "$1")/cut"
  wire "$1"
}

command_mend() {
  (($# == 1)) || usage "mend takes a node."
  take_lock
  need_switch
  check_member "$1"
  rm -f "$(link_dir "$1")/cut"
  wire "$1"
}
