#!/usr/bin/env bash
# Runs each fuzz target, or those named, for some minutes, beginning with what fuzz/corpus has. What it finds stays below fuzz/artifacts and
# target/fuzz-corpus; it changes no corpus.
#
# Usage: [FUZZ_SECONDS=120] [FUZZ_TOOLCHAIN=nightly] packaging/fuzz.sh [TARGET…]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=${FUZZ_SECONDS:-120}
toolchain=${FUZZ_TOOLCHAIN:-nightly}
if rustc --version | grep -q nightly; then
    cargo=(cargo)
elif [ -n "${RUSTC_BOOTSTRAP:-}" ]; then
    # Whoever sets it knows that it lets a stable compiler do what only nightly ones promise.
    cargo=(cargo)
elif command -v rustup >/dev/null && rustup run "$toolchain" rustc --version >/dev/null 2>&1; then
    cargo=(rustup run "$toolchain" cargo)
else
    echo "fuzz: libFuzzer needs a nightly compiler, which is not here: run 'rustup toolchain install nightly --profile minimal', or put one on the" \
        "PATH (FUZZ_TOOLCHAIN names another; without rustup, RUSTC_BOOTSTRAP=1 lets a stable one do it)" >&2
    exit 1
fi
if ! "${cargo[@]}" fuzz --version >/dev/null 2>&1; then
    echo "fuzz: cargo-fuzz is missing: run 'cargo install --locked cargo-fuzz'" >&2
    exit 1
fi

targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
    for file in fuzz/fuzz_targets/*.rs; do targets+=("$(basename "$file" .rs)"); done
fi
failed=()
for target in "${targets[@]}"; do
    mkdir -p "target/fuzz-corpus/$target"
    echo "== $target, $seconds s"
    # -rss_limit_mb and -timeout are the last wall: each body measures what its input costs, and is stricter.
    "${cargo[@]}" fuzz run "$target" "target/fuzz-corpus/$target" "fuzz/corpus/$target" -- \
        -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=10 -max_len=65536 -print_final_stats=1 || failed+=("$target")
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "fuzz: found something: ${failed[*]}; the inputs are below fuzz/artifacts. Mend it, and put the smallest (cargo fuzz tmin) into fuzz/corpus." >&2
    exit 1
fi
