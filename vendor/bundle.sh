#!/usr/bin/env bash
# Makes the bundles that packagers build from without a network: the source, the vendored crates and the built page, with SHA256SUMS.
# The same commit must give the same bytes; nothing of a third party is kept in the repository.
#
# Usage: vendor/bundle.sh VERSION   (writes to vendor/out/)
set -euo pipefail

version=${1:?usage: vendor/bundle.sh VERSION}
cd "$(dirname "${BASH_SOURCE[0]}")/.."
out=$PWD/vendor/out
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir -p "$out"

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

pack() {
    tar --create --directory "$1" --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner --mode='u+rw,go=rX' \
        --format=gnu "$2" | gzip --no-name -9 >"$out/$3"
}

echo "bundle: source"
git archive --format=tar --prefix="bellflower-$version/" HEAD | gzip --no-name -9 >"$out/bellflower-$version.tar.gz"

echo "bundle: crates"
mkdir -p "$stage/crates"
cargo vendor --locked --versioned-dirs --quiet "$stage/crates/vendor" >/dev/null
# Not what cargo prints: that names the directory it was given, and nothing at all when it is quiet. Packagers unpack the bundle in the source's root.
mkdir -p "$stage/crates/.cargo"
cat >"$stage/crates/.cargo/config.toml" <<'CONFIG'
[source.crates-io]
replace-with = "vendored-sources"

[source.vendored-sources]
directory = "vendor"
CONFIG
mv "$stage/crates" "$stage/bellflower-$version"
pack "$stage" "bellflower-$version" "bellflower-$version-crates.tar.gz"

echo "bundle: page"
packaging/build-client.sh web/client
if [ -d web/client/dist ]; then
    rm -rf "${stage:?}/bellflower-$version"
    mkdir -p "$stage/bellflower-$version/web/client"
    cp -R web/client/dist "$stage/bellflower-$version/web/client/dist"
    pack "$stage" "bellflower-$version" "bellflower-$version-page.tar.gz"
fi

(cd "$out" && sha256sum "bellflower-$version"*.tar.gz >SHA256SUMS && cat SHA256SUMS)
