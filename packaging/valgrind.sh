#!/usr/bin/env bash
# Runs the tests of the bridge under valgrind, each in a process of its own: no invalid access, no undefined value, nothing lost. Nothing else of the
# project is under valgrind; it must not install anything.
#
# Usage: packaging/valgrind.sh [PART-OF-A-TEST'S-NAME…]   ("lifecycle" and "link" name whole files)
#   VALGRIND_JOBS   tests at once; default: one a processor
# Each test's output, and valgrind's own, goes to target/valgrind/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

out=$PWD/target/valgrind
jobs=${VALGRIND_JOBS:-$(nproc)}

# One test: its program, its file's name and its own. A verdict goes to $out/NAME.verdict.
one() {
    local program=$1 file=$2 test=$3
    local at=$out/$file.${test//:/-} started=$SECONDS verdict=passed code=0
    # BELLFLOWER_TEST_ALONE: tests that would start a process of their own run in this one. G_SLICE: GLib 2.74 has an allocator of its own.
    # 65 s are more than any wait of a test; one that hangs is ended.
    (cd bridge && BELLFLOWER_TEST_ALONE=$test G_SLICE=always-malloc LC_ALL=C.UTF-8 RUST_BACKTRACE=0 PROPTEST_CASES=16 \
        timeout --kill-after=10 900 valgrind --quiet --error-exitcode=99 --leak-check=full --show-leak-kinds=definite \
        --errors-for-leak-kinds=definite --num-callers=40 --suppressions="$out/suppressions" --gen-suppressions=all \
        --log-file="$at.valgrind" "$program" --exact "$test" --test-threads=1 --nocapture) >"$at.out" 2>&1 </dev/null || code=$?
    # A name that matches nothing would pass, too.
    if [ $code != 0 ] || ! grep -q '1 passed' "$at.out"; then verdict="FAILED ($code)"; fi
    printf '%-9s %4d s  %s %s\n' "$verdict" $((SECONDS - started)) "$file" "$test" | tee "$at.verdict"
}
if [ "${1-}" = --one ]; then
    shift
    one "$@"
    exit
fi

if ! command -v valgrind >/dev/null; then
    echo "valgrind: it is not installed; make deps-test" >&2
    exit 1
fi
# The whole workspace is built, as for every other test: one crate alone would be built again, with other features of its dependencies.
mapfile -t programs < <(cargo test --quiet --workspace --locked --no-run --message-format=json |
    sed -n '/"manifest_path":"[^"]*\/bridge\/Cargo.toml"/s/.*"executable":"\([^"]*\)".*/\1/p')
[ ${#programs[@]} -gt 0 ]
rm -rf "$out"
mkdir -p "$out"

# rustls hands over at most 64 pieces at once.
repeated=$(sed -n '/^   ring-aes-gcm-tag-sent$/,/^}/p' packaging/valgrind.supp)
{
    cat packaging/valgrind.supp
    for piece in {1..63}; do printf '{\n%s\n' "${repeated/msg_iov\[0\]/msg_iov[$piece]}"; done
} >"$out/suppressions"

asked_for() {
    local wanted
    [ $# -gt 1 ] || return 0
    for wanted in "${@:2}"; do
        if [[ $1 == *$wanted* ]]; then return 0; fi
    done
    return 1
}

list=()
for program in "${programs[@]}"; do
    file=$(basename "$program")
    file=${file%-*}
    # It has no harness and looks at the environment of a second process, where valgrind is not.
    [ "$file" != prepare ] || continue
    while IFS= read -r line; do
        test=${line%: test}
        if asked_for "$file $test" "$@"; then list+=("$program" "$file" "$test"); fi
    done < <("$program" --list --format terse | grep ': test$')
done
if [ ${#list[@]} = 0 ]; then
    echo "valgrind: no test is called that" >&2
    exit 1
fi

started=$SECONDS
printf '%s\0' "${list[@]}" | xargs -0 -n 3 -P "$jobs" "$PWD/packaging/valgrind.sh" --one || true
passed=0
failed=0
for ((n = 0; n < ${#list[@]}; n += 3)); do
    at=$out/${list[n + 1]}.${list[n + 2]//:/-}
    if grep -q '^passed ' "$at.verdict" 2>/dev/null; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf '\n=== %s %s\n' "${list[n + 1]}" "${list[n + 2]}"
        tail -n 40 "$at.out"
        head -n 120 "$at.valgrind"
    fi
done
echo "valgrind: $((SECONDS - started)) s; what it saw is in ${out#"$PWD/"}/"
echo "valgrind: $passed passed, $failed failed"
[ $failed = 0 ]
