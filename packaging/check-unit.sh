#!/usr/bin/env bash
# Lets systemd itself read the unit and its socket, as they are and with each drop-in that it comes with in force, and holds it to an exposure of at most 2.0. Starts
# nothing, and needs neither root nor a running systemd.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
unit=$scratch/bellflower.service
# The program is not installed here; what is checked is the unit.
sed 's#^ExecStart=/usr/bin/bellflower #ExecStart=/bin/true #' packaging/systemd/bellflower.service >"$unit"

cp packaging/systemd/bellflower.socket "$scratch/"

# Keys that it does not know are told, and do not change its exit code.
verify() {
    local told
    told=$(systemd-analyze verify --man=no "$unit" "$scratch/bellflower.socket" 2>&1)
    if [ -n "$told" ]; then
        printf 'check-unit: %s: %s\n' "$1" "$told" >&2
        return 1
    fi
}

verify "the unit and its socket"
exposure=$(systemd-analyze security --offline=true --threshold=20 --no-pager "$unit") || {
    echo "$exposure" >&2
    exit 1
}
for drop_in in packaging/systemd/bellflower.service.d/*.conf; do
    mkdir "$unit.d"
    # Prose has a blank after the sign, settings have none.
    sed 's/^#\([^ ]\)/\1/' "$drop_in" >"$unit.d/$(basename "$drop_in")"
    if cmp -s "$drop_in" "$unit.d/$(basename "$drop_in")"; then
        echo "check-unit: $drop_in has no setting to take the # off" >&2
        exit 1
    fi
    verify "$drop_in"
    rm -r "$unit.d"
done
tail -n 1 <<<"$exposure"
