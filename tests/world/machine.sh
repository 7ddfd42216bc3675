#!/usr/bin/env bash
# A small Debian with a real systemd as its PID 1, in namespaces of its own: what it does stays there. Needs root.
#   machine.sh make IMAGE       makes the image once (debootstrap, from the mirror that apt uses here)
#   machine.sh boot IMAGE       boots it, prints `up PID` (PID 1's number out here), and ends it with SIGTERM or when
#                               standard input closes; what was written goes with it, the image stays as it is
#   machine.sh in PID COMMAND   runs a command there
set -euo pipefail

fail() { echo "$*" >&2; exit 1; }

make() { # make IMAGE
    mkdir -p "$1"
    exec 9> "$1/lock"
    flock 9
    [ -e "$1/made" ] && return
    command -v debootstrap > /dev/null || fail "there is no debootstrap to make the image with; ./test installs it, or: apt-get install debootstrap"
    local codename mirror
    codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
    mirror=$(apt-get indextargets --format '$(REPO_URI)' "Codename: $codename" | head -n 1)
    [ -n "$mirror" ] || fail "apt knows no mirror for $codename; check /etc/apt/sources.list"
    rm -rf "$1/root"
    debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,libpam-systemd,polkitd "$codename" "$1/root" "$mirror" > "$1/log" 2>&1 ||
        fail "debootstrap cannot make the image: $(tail -n 3 "$1/log")"
    rm -rf "$1"/root/var/cache/apt/archives/*.deb
    touch "$1/made"
}

boot() { # boot IMAGE
    # A branch of its own, so that the machine sees nothing of this one's groups.
    local groups
    groups=$(findmnt --noheadings --first-only --types cgroup2 --output TARGET) || fail "there is no cgroup2 mount for systemd to live in"
    cgroup=$groups/kymo-machine-$$
    mkdir "$cgroup"
    trap end EXIT
    trap 'exit 0' TERM INT HUP
    # The shell that becomes PID 1 is born in the branch, so that the branch is the root of its cgroup namespace.
    sh -c 'echo $$ > "$1/cgroup.procs"; shift; exec "$@"' sh "$cgroup" \
        unshare --mount --pid --ipc --uts --net --cgroup --fork --kill-child --mount-proc \
        bash "$0" inside "$1/root" < /dev/null &
    outer=$!
    local pid=''
    until [ -n "$pid" ]; do
        kill -0 $outer 2> /dev/null || fail "the machine did not start"
        pid=$(cat /proc/$outer/task/$outer/children)
        sleep 0.05
    done
    pid=${pid% }
    # "degraded" is up as well; what matters here is looked at by name.
    local state
    for _ in {1..600}; do
        state=$(inside_of "$pid" systemctl is-system-running 2> /dev/null || true)
        case $state in running | degraded) break ;; esac
        kill -0 $outer 2> /dev/null || fail "the machine ended while it booted"
        sleep 0.1
    done
    echo "up $pid"
    # Whoever started us may be gone: then the input ends. A background read can be interrupted by a signal.
    while read -r _; do :; done
}

end() {
    [ -z "${outer:-}" ] || kill -KILL "$outer" 2> /dev/null || true
    wait 2> /dev/null || true
    for _ in {1..100}; do
        find "$cgroup" -depth -type d -exec rmdir {} + 2> /dev/null || true
        [ -e "$cgroup" ] || return 0
        sleep 0.05
    done
    echo "processes of the machine are left in $cgroup" >&2
}

# From here on as PID 1 of the new namespaces.
inside() { # inside ROOT
    local box=/mnt root=/mnt/root kind
    mount -t tmpfs tmpfs $box
    mkdir $box/changes $box/work $root
    mount -t overlay overlay -o "lowerdir=$1,upperdir=$box/changes,workdir=$box/work" $root
    for kind in proc:proc sysfs:sys cgroup2:sys/fs/cgroup tmpfs:run tmpfs:tmp; do
        mount -t "${kind%%:*}" "${kind%%:*}" "$root/${kind#*:}"
    done
    mount --rbind /dev $root/dev
    mount --make-rslave $root/dev
    hostname kymo-machine
    cd $root
    pivot_root . .
    umount -l .
    cd /
    # In a container systemd expects this of whoever started it; credentials come to their units by such a mount.
    mount --make-rshared /
    exec env -i container=unshare PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
        /lib/systemd/systemd --log-target=journal --show-status=no > /dev/null 2>&1
}

inside_of() { # inside_of PID COMMAND...
    local pid=$1
    shift
    nsenter --target "$pid" --all -- env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/root "$@"
}

[ "$(id -u)" -eq 0 ] || fail "a machine of its own needs root: run this with sudo"
case ${1:-} in
    make) make "$2" ;;
    boot) boot "$2" ;;
    inside) inside "$2" ;;
    in) shift; inside_of "$@" ;;
    *) fail "machine.sh make IMAGE | boot IMAGE | in PID COMMAND..." ;;
esac
