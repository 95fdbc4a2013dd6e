#!/usr/bin/env bash
# Builds the daemon from the bundles alone: no network, no crates but the vendored ones, an empty CARGO_HOME. It must not read the work tree.
#
# Usage: vendor/try-offline.sh VERSION [cargo build flags, e.g. --release]
set -euo pipefail

version=${1:?usage: vendor/try-offline.sh VERSION [cargo build flags]}
shift
out=$(cd "$(dirname "${BASH_SOURCE[0]}")/out" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

(cd "$out" && sha256sum --check --quiet SHA256SUMS)
for bundle in "bellflower-$version.tar.gz" "bellflower-$version-crates.tar.gz" "bellflower-$version-page.tar.gz"; do
    tar --extract --gzip --directory "$scratch" --file "$out/$bundle"
done
cd "$scratch/bellflower-$version"

# rustup's proxies look for toolchains below RUSTUP_HOME, which stays; CARGO_HOME is new and empty.
rustup_home=${RUSTUP_HOME:-$HOME/.rustup}
cargo=$(command -v cargo)
# A network of its own has no way out, not even for a build script; where that is not allowed, cargo alone is kept from it.
alone=(unshare --net)
if [ "$(id -u)" != 0 ]; then alone+=(--map-root-user); fi
if ! "${alone[@]}" true 2>/dev/null; then
    echo "try-offline: NOT CHECKED: build scripts may have reached the network, since this system gives no network of one's own"
    alone=()
fi
CARGO_HOME="$scratch/cargo-home" RUSTUP_HOME="$rustup_home" "${alone[@]}" "$cargo" build --offline --locked --package bellflower "$@"
built=("${CARGO_TARGET_DIR:-target}"/*/bellflower)
"${built[0]}" --version
