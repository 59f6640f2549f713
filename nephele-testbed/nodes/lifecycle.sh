# shellcheck shell=bash
# up, down, guest.

command_up() {
  local count='' suites=() i
  while (($#)); do
    case $1 in
      --suite)
        (($# > 1)) || usage "--suite takes bookworm, trixie, or a list of them with commas."
        IFS=, read -r -a suites <<<"$2"
        shift
        ;;
      *)
        [[ -z $count && $1 =~ ^[1-9]$ ]] || usage "up takes a number of nodes from 1 to $MAX_NODES, not '$1'."
        count=$1
        ;;
    esac
    shift
  done
  for i in "${suites[@]}"; do
    [[ $i == @(bookworm|trixie) ]] || usage "'$i' is not a suite that nodes can have: bookworm or trixie."
  done
  take_lock
  count=${count:-$(count_or_two)}
  packages_install "${NODES_PACKAGES[@]}" || exit 1
  for ((i = 1; i <= count; i++)); do
    plan_node "node$i" "${suites[@]:$((i - 1 < ${#suites[@]} ? i - 1 : ${#suites[@]} - (${#suites[@]} > 0))):1}"
  done
  switch_up
  laptop_up
  # shellcheck disable=SC2046  # several words
  for_each node_start $(nodes)
  # shellcheck disable=SC2046
  for_each node_wait $(nodes)
  spread_keys
}

# As many as there are, and at least two: a killed up may have made only the first.
count_or_two() {
  local count
  count=$(nodes | wc -l)
  echo $((count > 2 ? count : 2))
}

# Makes sure that NODE exists, with SUITE where one was asked for.
plan_node() {
  local node=$1 suite=${2:-} existing
  if [[ -d $(node_dir "$node") ]]; then
    existing=$(<"$(node_dir "$node")/suite")
    [[ -z $suite || $suite == "$existing" ]] ||
      die "$node is there already, with $existing and not $suite; ./testbed down removes it."
    return
  fi
  root_make "${suite:-bookworm}"
  node_create "$node" "${suite:-bookworm}"
}

# Kills by cgroup, so it neither matters what was killed before, nor what runs in there. Mounts,
# bridges, taps and cables live in namespaces and go with the last process.
command_down() {
  (($# == 0)) || usage "down takes nothing."
  ! cgroup_has "$BASHPID" '' || die "this shell runs inside the testbed, which down would end; run it outside."
  take_lock
  cgroup_kill ''
  # Moved away first: half a node that a killed down left would be taken for one.
  local part
  for part in nodes links laptop; do
    [[ ! -d $STATE/$part ]] || mv -T "$STATE/$part" "$STATE/.discarded-$part-$$"
  done
  rm -rf --one-file-system "$STATE"/.discarded-* "$STATE/switch.pid" "$STATE"/deploy-*.log
}

command_guest() {
  (($# == 1)) || usage "guest takes tiny or debian."
  local builder=$PROJECT/nephele-testbed/guests/make
  [[ $1 == @(tiny|debian) ]] || usage "'$1' is no test guest: tiny or debian."
  exec "$builder" "$1"
}
