# shellcheck shell=bash
# Who knows whom: names, host keys, and who may log in where. Written anew to all of them at every up
# and deploy, so that all agree on the nodes that there are.

hosts_file() {
  local member
  printf '127.0.0.1\tlocalhost\n::1\tlocalhost\n'
  for member in $(members); do
    printf '%s\t%s\n' "$(address "$member")" "$member"
  done
}

known_hosts_file() {
  local node
  for node in $(nodes); do
    echo "$node,$(address "$node") $(cut -d' ' -f1,2 "$(node_dir "$node")/seed/etc/ssh/ssh_host_ed25519_key.pub")"
  done
}

# The laptop's key may do everything; the key of another node's agent can reach the agent's peer socket
# and nothing else.
authorized_keys_file() {
  local own=$1 node key
  cat "$STATE/laptop/ssh/id_ed25519.pub"
  for node in $(nodes); do
    [[ $node != "$own" ]] || continue
    node_has_pid "$node" || continue
    key=$(in_node "$node" cat /etc/nephele/node_key.pub 2>/dev/null) || continue
    echo "restrict,command=\"/usr/lib/nephele-server/nephele-peer\" $key"
  done
}

# Replaces a file inside a node by stdin, never leaving half of it: node_write NODE PATH MODE
node_write() {
  # shellcheck disable=SC2016  # for the node's shell
  in_node "$1" sh -c 'cat >"$1.new" && chmod "$2" "$1.new" && mv "$1.new" "$1"' sh "$2" "$3"
}

spread_keys() {
  local node
  known_hosts_file >"$STATE/laptop/ssh/known_hosts"
  hosts_file | in_laptop tee /etc/hosts >/dev/null
  for node in $(nodes); do
    node_has_pid "$node" || continue
    hosts_file | node_write "$node" /etc/hosts 644
    known_hosts_file | node_write "$node" /etc/ssh/ssh_known_hosts 644
    authorized_keys_file "$node" | node_write "$node" /root/.ssh/authorized_keys 600
  done
}
