#!/usr/bin/env bash
# Every test of the project; the Rust ones come last so that their summary is the last line. It must not install anything.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

status=0
if [ -e web/client/package.json ]; then
    npm --prefix web/client run --silent test || status=1
fi
# Accounts ending in every state, with transfers too, hostile transfers, and the workers' link: the rest of `make valgrind` takes minutes.
if command -v valgrind >/dev/null; then
    packaging/valgrind.sh 'lifecycle accounts_end_in_every_state' 'transfer::tests::hostile' 'transfer::tests::transfers_of' 'link ' || status=1
else
    echo "test: NOT CHECKED: memory, valgrind is not installed (make deps-test)"
fi
if cargo nextest --version >/dev/null 2>&1; then
    cargo test --workspace --locked --doc --quiet || status=1
    profile=default
    if [ -n "${CI:-}" ]; then profile=ci; fi
    cargo nextest run --workspace --locked --profile "$profile" || status=1
else
    cargo test --workspace --locked --no-fail-fast || status=1
fi
exit $status
