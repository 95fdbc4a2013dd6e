#!/usr/bin/env bash
# A Debian tree with a systemd of its own, in which packages are installed and run as on a machine: for tests. The tree has its own processes, mounts and
# host name, and the network of whoever starts it. Needs root. Touches no file outside the tree, and no setting of the kernel.
#
# Usage: packaging/tree.sh fetch TAR            packs a minimal Debian with what the packages depend on, from the network, unless TAR is there
#        packaging/tree.sh make TREE TAR        unpacks it; an older tree there goes
#        packaging/tree.sh boot TREE            starts systemd in it, and waits until it is up; ends when `stop` is called
#        packaging/tree.sh run TREE COMMAND…    runs a command in the booted tree
#        packaging/tree.sh stop TREE
set -euo pipefail

verb=${1:?usage: packaging/tree.sh fetch|make|boot|run|stop TREE}
mkdir -p "$(dirname "${2:?usage: packaging/tree.sh $verb TREE}")"
tree=$(realpath -m "$2")
shift 2
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
suite=bookworm

# The process id of the tree's systemd, as this namespace sees it.
init_of() {
    cat "$tree.pid" 2>/dev/null || { echo "tree: $tree is not booted" >&2; return 1; }
}

enter() {
    local pid
    pid=$(init_of)
    nsenter --target "$pid" --mount --pid --uts --ipc --cgroup --root --wd env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@"
}

fetch() {
    [ ! -e "$tree" ] || return 0
    local at=$tree.unpacked
    rm -rf "$at"
    debootstrap --variant=minbase --include=systemd,systemd-sysv,ca-certificates "$suite" "$at" "$mirror"
    echo "deb $mirror $suite main" >"$at/etc/apt/sources.list"
    chroot "$at" env DEBIAN_FRONTEND=noninteractive apt-get update -q
    chroot "$at" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends libpurple0 libsasl2-modules
    chroot "$at" apt-get clean
    rm -rf "$at"/var/lib/apt/lists/*
    # Nobody signs in on a terminal, and the kernel is not the tree's.
    for unit in console-getty getty@tty1 systemd-sysctl systemd-modules-load systemd-udevd systemd-udev-trigger systemd-logind systemd-timesyncd; do
        ln -sf /dev/null "$at/etc/systemd/system/$unit.service"
    done
    echo bellflower-tree >"$at/etc/hostname"
    tar --create --numeric-owner --directory "$at" --file "$tree.new" .
    rm -rf "$at"
    mv "$tree.new" "$tree"
}

make_tree() {
    rm -rf "$tree"
    mkdir -p "$tree"
    tar --extract --numeric-owner --directory "$tree" --file "$1"
}

# In the new namespaces: the mounts that systemd expects, then systemd.
inside() {
    mount --make-rprivate /
    mount --bind "$tree" "$tree"
    mount -t proc -o nosuid,nodev,noexec proc "$tree/proc"
    mount --bind "$tree/proc/sys" "$tree/proc/sys"
    mount -o remount,bind,ro "$tree/proc/sys"
    mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$tree/sys"
    mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 "$tree/sys/fs/cgroup"
    mount -t tmpfs -o mode=755,nosuid tmpfs "$tree/dev"
    for device in null zero full random urandom tty; do
        touch "$tree/dev/$device"
        mount --bind "/dev/$device" "$tree/dev/$device"
    done
    mkdir -p "$tree/dev/shm" "$tree/dev/pts"
    mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$tree/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$tree/dev/pts"
    ln -s pts/ptmx "$tree/dev/ptmx"
    ln -s /proc/self/fd "$tree/dev/fd"
    ln -s /dev/null "$tree/dev/console"
    mount -t tmpfs -o mode=755,nosuid,nodev tmpfs "$tree/run"
    mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$tree/tmp"
    hostname bellflower-tree
    # Not by chroot alone: the kernel gives processes in one no user namespaces (PrivateUsers=).
    cd "$tree"
    pivot_root . .
    umount -l .
    exec env -i container=bellflower-test PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot . /lib/systemd/systemd --system
}

boot() {
    local waited=0
    setsid unshare --mount --pid --fork --uts --ipc --cgroup "$0" inside "$tree" </dev/null >"$tree.log" 2>&1 &
    local outer=$!
    # Its first process is unshare's only child.
    until pgrep --parent "$outer" >"$tree.pid" 2>/dev/null; do
        kill -0 "$outer" || { cat "$tree.log" >&2; return 1; }
        read -rt 0.1 <> <(:) || true
    done
    until enter systemctl is-system-running --wait >"$tree.state" 2>/dev/null || grep -q degraded "$tree.state"; do
        waited=$((waited + 1))
        if [ "$waited" -gt 300 ] || ! kill -0 "$outer" 2>/dev/null; then
            echo "tree: systemd did not come up" >&2
            cat "$tree.log" >&2
            return 1
        fi
        read -rt 0.2 <> <(:) || true
    done
    if grep -q degraded "$tree.state"; then
        enter systemctl --failed --no-pager >&2
        return 1
    fi
}

stop() {
    local pid
    pid=$(init_of) || return 0
    rm -f "$tree.pid"
    # Halt, as systemd(1) has it for containers; what is left after that ends with the first process.
    kill -s RTMIN+3 "$pid" 2>/dev/null || return 0
    timeout 60 tail --pid="$pid" -f /dev/null || kill -KILL "$pid"
}

case $verb in
    fetch) fetch ;;
    make) make_tree "${1:?which TAR?}" ;;
    boot) boot ;;
    run) enter "$@" ;;
    stop) stop ;;
    inside) inside ;;
    *)
        echo "usage: packaging/tree.sh fetch|make|boot|run|stop TREE" >&2
        exit 64
        ;;
esac
