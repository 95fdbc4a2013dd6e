#!/usr/bin/env bash
# Everything that can be said about the code without running it. It must not change a file.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

failed=()
step() {
    echo "== $*"
    "$@" || failed+=("$*")
}

step cargo fmt --all --check
step cargo clippy --workspace --all-targets --locked -- -D warnings
step node packaging/check-msrv.mjs
if [ -e web/client/package.json ]; then
    step npm --prefix web/client run --silent check
fi
if cargo deny --version >/dev/null 2>&1; then
    step cargo deny --workspace --all-features check --hide-inclusion-graph licenses bans sources
    # The advisory database comes over the network: without one, that is said and does not fail the rest.
    if ! cargo deny --workspace check advisories; then
        if [ -d "${CARGO_HOME:-$HOME/.cargo}/advisory-dbs" ]; then
            failed+=("cargo deny check advisories")
        else
            echo "lint: NOT CHECKED: advisories, their database is out of reach"
        fi
    fi
else
    echo "lint: NOT CHECKED: licences, advisories and sources of the crates; cargo-deny is not installed (cargo install --locked cargo-deny)"
fi
while IFS= read -r script; do
    step bash -n "$script"
done < <(git ls-files '*.sh' .ci/run)

if [ ${#failed[@]} -gt 0 ]; then
    printf 'lint: failed: %s\n' "${failed[@]}"
    exit 1
fi
echo "lint: clean"
