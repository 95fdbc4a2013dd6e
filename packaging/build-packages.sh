#!/usr/bin/env bash
# Builds the RPMs or the Debian package offline from the bundles of vendor/bundle.sh, in a scratch directory. Where the distribution's macros are missing
# (rpmbuild on Debian), stand-ins are used, and dependencies are not checked: such packages are for tests.
#
# Usage: packaging/build-packages.sh rpm|deb VERSION [FOLDER]   (writes to FOLDER; default target/packages/VERSION)
#   BUNDLES            where the bundles are; default vendor/out
#   CARGO_TARGET_DIR   keeps what cargo builds for the next call, of the other family or of another version
#   PROFILE            of cargo; default release. With dev, packages are built in a fraction of the time and are for tests alone
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

family=${1:?usage: packaging/build-packages.sh rpm|deb VERSION [FOLDER]}
version=${2:?usage: packaging/build-packages.sh rpm|deb VERSION [FOLDER]}
to=$(realpath -m "${3:-target/packages/$version}")
bundles=$(realpath "${BUNDLES:-vendor/out}")
name=bellflower-$version
mkdir -p "$to"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

for bundle in "$name.tar.gz" "$name-crates.tar.gz" "$name-page.tar.gz"; do
    (cd "$bundles" && grep -F "  $bundle" SHA256SUMS | sha256sum --check --quiet)
done

# rustup's proxies look for toolchains below RUSTUP_HOME; CARGO_HOME is new and empty: crates come from the bundle alone.
export RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup}
export CARGO_HOME=$scratch/cargo-home CARGO_NET_OFFLINE=true
# The tools themselves are found on the PATH.
export CARGO_TERM_PROGRESS_WHEN=never
export PROFILE=${PROFILE:-release}
case $PROFILE in
    release) ;;
    dev)
        export BINARY=${CARGO_TARGET_DIR:-target}/debug/bellflower
        # Packages for tests alone: packed quickly, and without one of debugging symbols.
        export DPKG_DEB_COMPRESSOR_TYPE=gzip DEB_BUILD_OPTIONS="noautodbgsym ${DEB_BUILD_OPTIONS-}"
        ;;
    *)
        echo "build-packages: PROFILE is release or dev" >&2
        exit 64
        ;;
esac
build=$scratch/build
# Cargo knows what it compiled by the path of its source, and our crates by their times, too, which are their commit's. RPM and .deb of the same source are
# built in the same place, with the vendored crates of all versions in one directory, so that they share what was compiled. Of another source, what is
# ours is built anew.
if [ -n "${CARGO_TARGET_DIR-}" ]; then
    build=$CARGO_TARGET_DIR/build-packages
    folder=$CARGO_TARGET_DIR/$([ "$PROFILE" = dev ] && echo debug || echo "$PROFILE")
    export CRATES=$CARGO_TARGET_DIR/build-packages/crates
    mkdir -p "$build" "$folder" "$CRATES"
    tar --extract --gzip --skip-old-files --strip-components=2 --directory "$CRATES" --file "$bundles/$name-crates.tar.gz" "$name/vendor"
    if ! sha256sum "$bundles/$name.tar.gz" "$bundles/$name-page.tar.gz" | cmp -s - "$folder/built-from"; then
        for crate in bellflower bridge purple-sys web; do rm -rf "$folder/.fingerprint/$crate"-*; done
        sha256sum "$bundles/$name.tar.gz" "$bundles/$name-page.tar.gz" >"$folder/built-from"
    fi
fi
alone=(unshare --net)
if [ "$(id -u)" != 0 ]; then alone+=(--map-root-user); fi
if ! "${alone[@]}" true 2>/dev/null; then
    echo "build-packages: NOT CHECKED: this system gives no network of one's own, so the build may have reached the network"
    alone=()
fi

case $family in
    rpm)
        tar --extract --gzip --directory "$scratch" --file "$bundles/$name.tar.gz" "$name/packaging"
        options=()
        if [ "$(rpm --eval '%cargo_prep')" = %cargo_prep ]; then
            options+=(--nodeps --load "$scratch/$name/packaging/rpm/stand-in.macros")
        fi
        mkdir -p "$build"
        "${alone[@]}" rpmbuild -bb "${options[@]}" --define "_topdir $scratch/rpm" --define "_builddir $build" --define "_sourcedir $bundles" --define "_rpmdir $to" \
            --define "_rpmfilename %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm" --define "_buildhost localhost" \
            --define "use_source_date_epoch_as_buildtime 1" "$scratch/$name/packaging/rpm/bellflower.spec"
        ;;
    deb)
        rm -rf "${build:?}/$name"
        mkdir -p "$build"
        for bundle in "$name.tar.gz" "$name-crates.tar.gz" "$name-page.tar.gz"; do
            tar --extract --gzip --directory "$build" --file "$bundles/$bundle"
        done
        cd "$build/$name"
        cp -a packaging/debian debian
        if [ -n "${CRATES-}" ]; then sed -i "s#^directory = .*#directory = \"$CRATES\"#" .cargo/config.toml; fi
        # -d: Rust comes from where it is, which need not be a package.
        "${alone[@]}" dpkg-buildpackage --build=binary --unsigned-changes --no-check-builddeps --no-pre-clean
        mv "$build"/*.deb "$to/"
        rm -f "$build"/*.buildinfo "$build"/*.changes
        ;;
    *)
        echo "usage: packaging/build-packages.sh rpm|deb VERSION [FOLDER]" >&2
        exit 64
        ;;
esac
ls -l "$to"
