#!/usr/bin/env bash
# Makes what a release consists of, in vendor/out: the bundles, the bill of materials, the list of licences, and SHA256SUMS of them all; twice, and
# compares. Publishes nothing.
#
# Usage: packaging/release.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
for file in packaging/rpm/bellflower.spec packaging/debian/changelog web/client/package.json; do
    if ! grep -qF "$version" "$file"; then
        echo "release: $file does not know version $version" >&2
        exit 1
    fi
done
vendor/bundle.sh --check "$version"
out=$PWD/vendor/out
again=$(mktemp -d)
trap 'rm -rf "$again"' EXIT
node packaging/sbom.mjs "$version" "$out"
node packaging/sbom.mjs "$version" "$again"
for file in "$again"/*; do cmp "$file" "$out/$(basename "$file")"; done
cd "$out"
sha256sum "bellflower-$version"* >SHA256SUMS
cat SHA256SUMS
