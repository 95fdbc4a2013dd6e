#!/usr/bin/env bash
# Installs what is missing to build, run, show, test or measure Bellflower; asks the package manager only when something really is missing.
# It must not touch what is already there, start a packaged daemon, or install Rust (it says how).
#
# Usage: packaging/install-deps.sh [--check] build|run|demo|test|bench|packages|proxies…
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
rust_wanted=1.92
node_wanted=18
check_only=false
kinds=()
for arg in "$@"; do
    case $arg in
        --check) check_only=true ;;
        build | run | demo | test | bench | packages | proxies) kinds+=("$arg") ;;
        *)
            echo "usage: $0 [--check] build|run|demo|test|bench|packages|proxies…" >&2
            exit 64
            ;;
    esac
done
[ ${#kinds[@]} -gt 0 ] || kinds=(build run)

if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then
    family=apt
elif command -v dnf >/dev/null && command -v rpm >/dev/null; then
    family=dnf
else
    echo "install-deps: neither apt nor dnf is here; install the packages named in $here/deps/ by hand" >&2
    exit 1
fi

installed() {
    case $family in
        apt) [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ] ;;
        dnf) rpm -q --quiet "$1" ;;
    esac
}

# Whether a line of a list is met: its command exists, or one of its alternatives is installed.
met() {
    local names=$1 command_name=$2 name
    if [ -n "$command_name" ] && command -v "$command_name" >/dev/null; then
        return 0
    fi
    for name in ${names//|/ }; do
        if installed "$name"; then return 0; fi
    done
    return 1
}

missing=()
for kind in "${kinds[@]}"; do
    while read -r names condition; do
        case $names in "" | \#*) continue ;; esac
        # Named twice, in the lists of two kinds, it is missing once.
        [[ " ${missing[*]-} " == *" $names "* ]] || met "$names" "${condition#cmd:}" || missing+=("$names")
    done <"$here/deps/$family-$kind.txt"
done

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Whether as_root can work. Otherwise says, once and whole, what somebody else has to run.
may_be_root() {
    if [ "$(id -u)" = 0 ] || command -v sudo >/dev/null; then return 0; fi
    echo "install-deps: installing needs root, and there is no sudo here. As root, run: $here/install-deps.sh ${kinds[*]}" >&2
    return 1
}

# The first alternative of a line that the package manager can install.
candidate() {
    local name
    for name in ${1//|/ }; do
        case $family in
            # Not into a pipe: grep leaves at its first match, and apt-cache then fails on the rest.
            apt) if [[ $(apt-cache policy "$name" 2>/dev/null) == *'Candidate: '[^\(]* ]]; then
                echo "$name"
                return 0
            fi ;;
            dnf) if dnf -q list --available "$name" >/dev/null 2>&1; then
                echo "$name"
                return 0
            fi ;;
        esac
    done
    return 1
}

policy=/usr/sbin/policy-rc.d
policy_is_ours=false
remove_policy() {
    if $policy_is_ours; then as_root rm -f "$policy"; fi
}

# Packaged daemons (Prosody, ngircd) must not start on a developer's machine: we start our own, on ports of our own.
forbid_starting() {
    if [ ! -e "$policy" ]; then
        policy_is_ours=true
        trap remove_policy EXIT
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
    fi
}

install_missing() {
    local wanted=() impossible=() line name
    case $family in
        apt)
            as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q
            ;;
        dnf)
            if ! installed epel-release && [ -e /etc/centos-release ]; then
                as_root dnf install -y -q epel-release dnf-plugins-core
                as_root dnf config-manager --set-enabled crb
            fi
            ;;
    esac
    for line in "${missing[@]}"; do
        if name=$(candidate "$line"); then wanted+=("$name"); else impossible+=("$line"); fi
    done
    if [ ${#wanted[@]} -gt 0 ]; then
        case $family in
            apt)
                forbid_starting
                as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${wanted[@]}"
                ;;
            dnf) as_root dnf install -y --setopt=install_weak_deps=False "${wanted[@]}" ;;
        esac
    fi
    if [ ${#impossible[@]} -gt 0 ]; then
        echo "install-deps: this system's package sources do not have: ${impossible[*]}" >&2
        return 1
    fi
}

status=0
if [ ${#missing[@]} -gt 0 ]; then
    echo "install-deps: missing: ${missing[*]}"
    if $check_only; then
        status=1
    else
        { may_be_root && install_missing; } || status=1
    fi
fi

at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

case " ${kinds[*]} " in
    *" build "*)
        if ! command -v cargo >/dev/null; then
            echo "install-deps: Rust is missing. Bellflower needs Rust $rust_wanted or newer: install 'rust-toolset' (CentOS), 'rustc' and" \
                "'cargo' of that version, or rustup, and put cargo on the PATH" >&2
            status=1
        else
            rust=$(rustc --version | cut -d' ' -f2)
            if ! at_least "$rust_wanted" "$rust"; then
                echo "install-deps: Rust $rust is too old, Bellflower needs $rust_wanted or newer: with rustup, run 'rustup update stable'" >&2
                status=1
            fi
        fi
        if command -v node >/dev/null; then
            node=$(node --version)
            if ! at_least "$node_wanted" "${node#v}"; then
                echo "install-deps: Node.js ${node#v} is too old, the page's build needs $node_wanted or newer" \
                "(CentOS Stream 9: dnf module reset nodejs, dnf module install nodejs:20)" >&2
                status=1
            fi
        fi
        ;;
esac
exit $status
