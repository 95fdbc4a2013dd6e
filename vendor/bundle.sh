#!/usr/bin/env bash
# Makes the bundles that packagers build from without a network: the source, the vendored crates and the built page, with SHA256SUMS.
# The same commit gives the same bytes. Keeps nothing of a third party in the repository.
#
# Usage: vendor/bundle.sh [--check] VERSION   (writes to vendor/out/; --check makes them twice and compares)
set -euo pipefail

check=false
if [ "${1-}" = --check ]; then
    check=true
    shift
fi
version=${1:?usage: vendor/bundle.sh [--check] VERSION}
cd "$(dirname "${BASH_SOURCE[0]}")/.."
out=$PWD/vendor/out
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

declared=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
if [ "$version" != "$declared" ]; then
    echo "bundle: Cargo.toml says version $declared, not $version" >&2
    exit 1
fi
if ! git diff --quiet HEAD --; then
    echo "bundle: there are changes that are not committed; the source bundle would be without them, and the page with them" >&2
    exit 1
fi
epoch=$(git log -1 --format=%ct)
name=bellflower-$version

# Packs $stage/NAME into a file.
pack() {
    tar --create --directory "$stage" --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner --mode='u+rw,go=rX' \
        --format=gnu "$name" | gzip --no-name >"$1"
    rm -rf "${stage:?}/$name"
}

bundle() {
    local to=$1
    mkdir -p "$to"
    rm -f "$to/$name".tar.gz "$to/$name"-*.tar.gz "$to/SHA256SUMS"
    echo "bundle: source"
    git archive --format=tar --prefix="$name/" HEAD | gzip --no-name -9 >"$to/$name.tar.gz"

    echo "bundle: crates"
    mkdir -p "$stage/$name/.cargo"
    cargo vendor --locked --versioned-dirs --quiet "$stage/$name/vendor" >/dev/null
    # Not what cargo prints: that names the directory it was given.
    cp vendor/cargo-config.toml "$stage/$name/.cargo/config.toml"
    pack "$to/$name-crates.tar.gz"

    echo "bundle: page"
    rm -rf web/client/dist
    packaging/build-client.sh web/client
    mkdir -p "$stage/$name/web/client"
    cp -R web/client/dist "$stage/$name/web/client/dist"
    pack "$to/$name-page.tar.gz"
    (cd "$to" && sha256sum "$name.tar.gz" "$name-crates.tar.gz" "$name-page.tar.gz" >SHA256SUMS)
}

bundle "$out"
cat "$out/SHA256SUMS"
if $check; then
    bundle "$stage/again"
    if ! diff "$out/SHA256SUMS" "$stage/again/SHA256SUMS"; then
        echo "bundle: made twice, the bundles are not the same" >&2
        exit 1
    fi
    echo "bundle: made twice, the same bytes"
fi
