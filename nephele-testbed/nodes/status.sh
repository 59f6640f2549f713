# shellcheck shell=bash

agent_state() {
  node_has_pid "$1" || {
    echo -
    return
  }
  in_node "$1" systemctl is-active nephele.service 2>/dev/null || true
}

command_status() {
  (($# == 0)) || usage "status takes nothing."
  switch_find || {
    echo "The testbed is down."
    return
  }
  local format='%-7s %-11s %-9s %8s  %-9s %-9s %-9s %-7s %-5s %14s %14s\n' member
  # shellcheck disable=SC2059
  printf "$format" NAME ADDRESS SUITE PID SYSTEM AGENT RATE DELAY LINK SENT RECEIVED
  for member in $(members); do
    local suite=- pid=- system=- agent=- link=up sent=- received=- counters
    if [[ $member == laptop ]]; then
      pid=$(laptop_pid) || pid=-
    else
      suite=$(<"$(node_dir "$member")/suite")
      pid=$(node_pid "$member") || pid=-
      system=$(node_state "$member")
      agent=$(agent_state "$member")
      system=${system:-starting} agent=${agent:-starting}
    fi
    [[ ! -e $(link_dir "$member")/cut ]] || link='cut'
    counters=$(link_counters "$member" 2>/dev/null) && read -r _ sent _ received _ <<<"$counters"
    # shellcheck disable=SC2059
    printf "$format" "$member" "$(address "$member")" "$suite" "$pid" "$system" "$agent" \
      "$(setting "$member" rate off)" "$(setting "$member" delay off)" "$link" "$sent" "$received"
  done
}
