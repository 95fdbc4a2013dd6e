#!/usr/bin/env bash
# Builds the RPMs and the Debian package offline, of this version and of an earlier one, checks them, and installs, runs, upgrades and removes them in a
# Debian tree with a systemd of its own. Needs root (namespaces, chroot). The network is used for crates, npm packages and Debian's packages only, before
# the first build: all after that runs in a network namespace without a way out.
#
# Usage: [PROFILE=dev] packaging/test-packages.sh   (PROFILE: of cargo's, for this version; default release)
#
# Works in target/packages. Packages that are there, of the same bundles, compiler and profile, are not built again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The earlier version: the oldest source whose database these packages promise to take over, under a lower number.
earlier=60a5439dee1c960d6128f81f89c4dcdccf03a134
earlier_version=0.0.9

out=$PWD/target/packages
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
export STARTED=${STARTED:-$(date +%s)}

say() { printf '== %5d s: %s\n' "$(($(date +%s) - STARTED))" "$*"; }

# The earlier source in a clone, with today's packaging over it: its bundles go to $out/earlier. The same packaging gives the same bytes.
bundle_earlier() {
    local clone=$out/clone made_of
    made_of=$(git rev-parse "$earlier" HEAD:packaging HEAD:vendor HEAD:docs/plugins.md && node --version)
    if [ -e "$out/earlier/SHA256SUMS" ] && [ "$made_of" = "$(cat "$out/earlier/made-of" 2>/dev/null)" ]; then return 0; fi
    rm -rf "$clone" "$out/earlier"
    git clone --quiet --shared --no-checkout . "$clone"
    git -C "$clone" checkout --quiet --detach "$earlier"
    rm -rf "$clone/packaging" "$clone/vendor"
    git archive HEAD packaging vendor docs/plugins.md | tar --extract --directory "$clone"
    sed -i "0,/^version = \".*\"/s//version = \"$earlier_version\"/" "$clone/Cargo.toml"
    sed -i "s/^Version: .*/Version:        $earlier_version/" "$clone/packaging/rpm/bellflower.spec"
    sed -i "1s/(.*)/($earlier_version)/" "$clone/packaging/debian/changelog"
    # The earlier version had no manual page of plugins yet.
    sed -i '/bellflower-plugins\.7/d' "$clone/packaging/rpm/bellflower.spec"
    (cd "$clone" && cargo metadata --format-version 1 --offline >/dev/null)
    git -C "$clone" add --all
    GIT_AUTHOR_DATE=$(git log -1 --format=%cI "$earlier") GIT_COMMITTER_DATE=$(git log -1 --format=%cI "$earlier") \
        git -C "$clone" -c user.name=test -c user.email=test@localhost commit --quiet --message "an earlier version"
    cp -a web/client/node_modules "$clone/web/client/"
    "$clone/vendor/bundle.sh" "$earlier_version"
    mv "$clone/vendor/out" "$out/earlier"
    printf '%s\n' "$made_of" >"$out/earlier/made-of"
    rm -rf "$clone"
}

fetched() {
    local made_of
    mkdir -p "$out"
    say "bundles, twice"
    # Of the same commit they were made and compared already.
    made_of=$(git rev-parse HEAD && node --version)
    if [ "$made_of" != "$(cat vendor/out/made-of 2>/dev/null)" ]; then
        rm -f vendor/out/made-of
        vendor/bundle.sh --check "$version"
        printf '%s\n' "$made_of" >vendor/out/made-of
    fi
    say "bundles of the earlier version"
    bundle_earlier
    say "a Debian tree"
    packaging/tree.sh fetch "$out/debian.tar"
    say "the tests themselves"
    cargo test --workspace --locked --test packages --no-run --message-format=json >"$out/built.json"
    cp -f "$(sed -n 's/.*"target":{"kind":\["test"\][^}]*"name":"packages".*"executable":"\([^"]*\)".*/\1/p' "$out/built.json")" "$out/test"
}

# build FAMILY VERSION BUNDLES FOLDER, unless FOLDER has these packages already.
build() {
    local made_of
    say "$1, version $2"
    made_of=$(cat "$3/SHA256SUMS" && rustc --version && echo "${PROFILE:-release}")
    if compgen -G "$4/*.$1" >/dev/null && [ "$made_of" = "$(cat "$4/made-of-$1" 2>/dev/null)" ]; then return 0; fi
    rm -f "$4"/*."$1" "$4/made-of-$1"
    BUNDLES=$3 packaging/build-packages.sh "$1" "$2" "$4"
    printf '%s\n' "$made_of" >"$4/made-of-$1"
}

built() {
    local family
    # All builds share what cargo made of the crates.
    export CARGO_TARGET_DIR=$out/cargo
    for family in rpm deb; do
        # Its data is what counts, not its speed.
        PROFILE=dev build "$family" "$earlier_version" "$out/earlier" "$out/previous"
        build "$family" "$version" vendor/out "$out/current"
    done
    unset CARGO_TARGET_DIR
}

checked() {
    local page told
    say "rpmlint"
    rpmlint --rpmlintrc packaging/rpm/bellflower.rpmlintrc packaging/rpm/bellflower.spec "$out"/current/*.rpm | tee "$out/rpmlint.txt"
    grep -q '0 errors, 0 warnings' "$out/rpmlint.txt"
    say "lintian"
    lintian --fail-on error,warning --allow-root "$out"/current/bellflower_*.deb
    say "manual pages"
    rm -rf "$out/man"
    mkdir -p "$out/man"
    dpkg-deb --fsys-tarfile "$out"/current/bellflower_*.deb | tar --extract --directory "$out/man" ./usr/share/man
    for page in "$out"/man/usr/share/man/man*/*; do
        told=$(LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null)
        if [ -n "$told" ]; then
            echo "$page: $told" >&2
            return 1
        fi
    done
    say "unit and drop-ins"
    packaging/check-unit.sh
}

# Without a way out; the servers of the tests and the packaged daemon meet on this namespace's own loopback.
offline() {
    ip link set lo up
    if ip route get 192.0.2.1 >/dev/null 2>&1; then
        echo "test-packages: there is a way out of this network namespace" >&2
        return 1
    fi
    built
    checked
    say "install, use, upgrade, remove"
    BELLFLOWER_PACKAGES=$out "$out/test" --ignored --test-threads=1
    say "all passed"
}

if [ "${1-}" = --offline ]; then
    offline
    exit
fi
if [ "$(id -u)" != 0 ]; then
    echo "test-packages: it makes network namespaces and boots a tree, which needs root" >&2
    exit 1
fi
fetched
unshare --net "$PWD/packaging/test-packages.sh" --offline
