# shellcheck shell=bash
# The administrator's laptop: the machine's own file system, seen with the laptop's network, host name
# and SSH keys. /usr and /etc have a writable layer over them, so that the client is installed on the
# laptop and not on the machine.

# Runs a command on the laptop, with the caller's environment and folder: in_laptop COMMAND...
in_laptop() { (become_laptop "$@"); }

# The same, in place of this shell.
become_laptop() {
  local pid
  pid=$(laptop_pid) || die "the laptop is not there; ./testbed up makes it."
  cgroup_enter laptop/exec
  exec 9>&- nsenter --target "$pid" --mount --uts --net --wd="$PWD" -- env HOME=/root USER=root LOGNAME=root "$@"
}

laptop_pid() { live_pid "$STATE/laptop/pid" laptop/holder; }

laptop_ready() { [[ -e $STATE/laptop/ready ]] || ! laptop_lives; }
laptop_lives() { cgroup_has "$SPAWNED" laptop/holder; }

laptop_up() {
  local dir=$STATE/laptop pid
  pid=$(laptop_pid) || pid=
  link_up laptop "$pid"
  [[ -z $pid ]] || return 0
  cgroup_kill laptop
  mkdir -p "$dir"/{usr,etc}/{upper,work}
  # /root/.ssh is only the place to mount it on; the machine's own folder stays as it is. It is not removed
  # later: that would tear the mount out of every other laptop, too.
  local folder
  for folder in "$dir/ssh" /root/.ssh; do
    [[ -d $folder ]] || mkdir -m 700 "$folder"
  done
  if [[ ! -e $dir/ssh/id_ed25519.pub ]]; then
    rm -f "$dir/ssh/id_ed25519"
    ssh-keygen -q -t ed25519 -N '' -C laptop -f "$dir/ssh/id_ed25519"
  fi
  printf 'Host *\n  StrictHostKeyChecking yes\n\nHost node*\n  User root\n' >"$dir/ssh/config"
  rm -f "$dir/ready"
  spawn laptop/holder "$dir/log" nsenter --net="/proc/$(<"$(link_dir laptop)/pid")/ns/net" \
    unshare --mount --uts --propagation slave bash "$NODES/laptop-init.sh" "$dir"
  echo "$SPAWNED" >"$dir/pid"
  wait_until 10 laptop_ready
  [[ -e $dir/ready ]] || die "the laptop could not be made: $(tail -n 2 "$dir/log")"
}
