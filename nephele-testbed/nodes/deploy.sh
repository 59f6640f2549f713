# shellcheck shell=bash
# Installs what mvn package made: the server on the nodes, the client on the laptop.

SERVER_DIST=${NEPHELE_SERVER_DIST:-$PROJECT/nephele-server/target/dist}
CLIENT_DIST=${NEPHELE_CLIENT_DIST:-$PROJECT/nephele-client/target/dist}

# Packs a dist tree for extraction over a root. Owners are root's whoever built it.
pack() { tar -C "$1" --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX -c .; }

# --keep-directory-symlink: /lib is a symlink to usr/lib, and must stay one.
UNPACK='tar -C / -x --no-overwrite-dir --keep-directory-symlink'

deploy_server() {
  local node=$1
  # jars of an older build would stay on the class path
  pack "$SERVER_DIST" | in_node "$node" sh -c "rm -rf /usr/lib/nephele-server && $UNPACK" ||
    die "the server could not be copied to $node."
  in_node "$node" /usr/lib/nephele-server/setup </dev/null >"$STATE/deploy-$node.log" 2>&1 || {
    cat "$STATE/deploy-$node.log" >&2
    die "the server's setup failed on $node; its messages are above."
  }
}

deploy_client() {
  pack "$CLIENT_DIST" | in_laptop sh -c "rm -rf /usr/lib/nephele-client && $UNPACK" ||
    die "the client could not be copied to the laptop."
  in_laptop /usr/lib/nephele-client/setup </dev/null >"$STATE/deploy-laptop.log" 2>&1 || {
    cat "$STATE/deploy-laptop.log" >&2
    die "the client's setup failed on the laptop; its messages are above."
  }
}

deploy_to() {
  if [[ $1 == laptop ]]; then deploy_client; else deploy_server "$1"; fi
}

agent_listens() { in_node "$1" test -S /run/nephele/agent.sock; }

# Keys first: an agent that starts with instances of an interrupted handoff asks its peers at once.
restart_agent() {
  if ! { in_node "$1" systemctl restart nephele.service && wait_until 30 agent_listens "$1"; }; then
    in_node "$1" journalctl -u nephele.service -n 20 --no-pager >&2 || true
    die "the agent on $1 doesn't start; its journal is above."
  fi
}

command_deploy() {
  (($# == 0)) || usage "deploy takes nothing."
  local dist
  for dist in "$SERVER_DIST" "$CLIENT_DIST"; do
    [[ -d $dist/usr ]] || die "$dist isn't there; build it with mvn package."
  done
  [[ ! -d $CLIENT_DIST/root && ! -d $CLIENT_DIST/var ]] ||
    die "$CLIENT_DIST has more than usr and etc, and only these are the laptop's own."
  take_lock
  need_switch
  [[ -n $(nodes) ]] || die "no node is up; ./testbed up makes them."
  # shellcheck disable=SC2046  # several words
  for_each deploy_to laptop $(nodes)
  spread_keys
  # shellcheck disable=SC2046
  for_each restart_agent $(nodes)
}
