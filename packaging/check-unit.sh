#!/usr/bin/env bash
# Lets systemd itself read the unit, and holds it to an exposure of at most 2.0. It starts nothing and needs neither root nor a running systemd.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# The program is not installed here; what is checked is the unit.
sed 's#^ExecStart=/usr/bin/bellflower #ExecStart=/bin/true #' packaging/systemd/bellflower.service >"$scratch/bellflower.service"

# Keys that it does not know are told, and do not change its exit code.
told=$(systemd-analyze verify --man=no "$scratch/bellflower.service" 2>&1)
if [ -n "$told" ]; then
    echo "$told" >&2
    exit 1
fi
exposure=$(systemd-analyze security --offline=true --threshold=20 --no-pager "$scratch/bellflower.service") || {
    echo "$exposure" >&2
    exit 1
}
tail -n 1 <<<"$exposure"
