# shellcheck shell=bash
# What crossed each link since it was plugged in. Lost frames (queue full) are not counted, frames sent
# into a cut link are. Bytes are those of Ethernet frames without checksum and preamble.

# Prints "bytes packets" of a tbf queue, as printed by tc -s on stdin.
queue_counters() { awk '$1 == "Sent" { print $2, $4; exit }'; }

# Prints "MEMBER sent-bytes sent-packets received-bytes received-packets", as the member sees it.
link_counters() {
  echo "$1 $(in_link "$1" tc -s qdisc show dev eth0 | queue_counters) $(in_switch tc -s qdisc show dev "$1" | queue_counters)"
}

all_counters() {
  local member
  for member in $(members); do
    link_counters "$member"
  done
}

# counters [--json] [--since FILE]: FILE is what an earlier counters --json printed; the difference is shown.
command_counters() {
  local json=false since='' lines
  while (($#)); do
    case $1 in
      --json) json=true ;;
      --since)
        (($# > 1)) || usage "--since takes the file that an earlier 'counters --json' was written to."
        since=$2
        shift
        ;;
      *) usage "counters knows --json and --since FILE, not '$1'." ;;
    esac
    shift
  done
  need_switch
  lines=$(all_counters)
  if [[ -n $since ]]; then
    [[ -r $since ]] || die "the file '$since' can't be read."
    lines=$(counters_difference "$since" <<<"$lines")
  fi
  if $json; then
    counters_json <<<"$lines"
  else
    counters_table <<<"$lines"
  fi
}

# One link a line, so that it can be read back without a JSON parser.
counters_json() {
  awk 'BEGIN { print "{" }
    { printf "%s  \"%s\": {\"sent_bytes\": %d, \"sent_packets\": %d, \"received_bytes\": %d, \"received_packets\": %d}",
        (NR > 1 ? ",\n" : ""), $1, $2, $3, $4, $5 }
    END { print "\n}" }'
}

counters_table() {
  awk 'BEGIN { format = "%-8s %15s %13s %15s %13s\n"
      printf format, "LINK", "SENT BYTES", "SENT PACKETS", "RECEIVED BYTES", "RECV PACKETS" }
    { printf format, $1, $2, $3, $4, $5 }'
}

counters_difference() {
  awk 'NR == FNR { gsub(/[^a-z0-9_ ]/, " "); if (NF == 9) { for (i = 3; i <= 9; i += 2) old[$1, i] = $i }; next }
    { print $1, $2 - old[$1, 3], $3 - old[$1, 5], $4 - old[$1, 7], $5 - old[$1, 9] }' "$1" -
}
