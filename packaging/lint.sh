#!/usr/bin/env bash
# Everything that can be said about the code without running it. It must not change a file.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit

failed=()
unchecked=()
step() {
    echo "== $*"
    "$@" || failed+=("$*")
}

step cargo fmt --all --check
step cargo clippy --workspace --all-targets --locked -- -D warnings
step node packaging/check-crates.mjs
if [ -e web/client/package.json ]; then
    step npm --prefix web/client run --silent check
fi
# Building cargo-deny takes minutes of processor time, so that it is used where it is installed; check-crates.mjs covers the most of it.
if cargo deny --version >/dev/null 2>&1; then
    # Duplicates are judged above, for the daemon alone.
    step cargo deny --workspace --all-features --log-level error check --hide-inclusion-graph --allow duplicate licenses bans sources
    # The advisory database comes over the network: without one, that is said and does not fail the rest.
    if ! cargo deny --workspace check --hide-inclusion-graph advisories; then
        if [ -d "${CARGO_HOME:-$HOME/.cargo}/advisory-dbs" ]; then
            failed+=("cargo deny check advisories")
        else
            unchecked+=("advisories: their database is out of reach")
        fi
    fi
else
    unchecked+=("advisories, and the licences' texts (cargo install --locked cargo-deny)")
fi
mapfile -t scripts < <(git ls-files '*.sh' .ci/run)
for script in "${scripts[@]}"; do
    step bash -n "$script"
done
if command -v shellcheck >/dev/null; then
    step shellcheck --severity=warning "${scripts[@]}"
else
    unchecked+=("shell scripts beyond their syntax (shellcheck)")
fi
if command -v systemd-analyze >/dev/null; then
    step packaging/check-unit.sh
else
    unchecked+=("the systemd unit (systemd-analyze)")
fi

if [ ${#unchecked[@]} -gt 0 ]; then
    printf 'lint: NOT CHECKED: %s\n' "${unchecked[@]}"
fi
if [ ${#failed[@]} -gt 0 ]; then
    printf 'lint: failed: %s\n' "${failed[@]}"
    exit 1
fi
echo "lint: clean"
