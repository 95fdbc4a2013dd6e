#!/usr/bin/env bash
# Third parties' plugins from the distribution, unpacked for the tests beside the libraries that they need: PLACE/*.so and PLACE/lib. This script must not
# install anything: plugins that are installed are loaded by every daemon of this machine, and counted in every measurement. 22 MB on Debian 12, most of
# it what pidgin-sipe needs for calls. Packages that cannot be had are named, and are no failure: the tests name what they did not check.
#
# Usage: packaging/fetch-plugins.sh PLACE
set -euo pipefail

place=${1:?usage: $0 PLACE}
packages=(purple-discord purple-rocketchat pidgin-sipe purple-xmpp-carbons purple-xmpp-http-upload)

if [ -e "$place/complete" ]; then exit 0; fi
if ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
    echo "fetch-plugins: NOT FETCHED: ${packages[*]}: only Debian's package manager is known here"
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=complete
for package in "${packages[@]}"; do
    # Each with what is missing for it. Not into a pipe that fails: a package may be unknown.
    needed=$(apt-get install -s --no-install-recommends "$package" 2>/dev/null | sed -n 's/^Inst \([^ ]*\) .*/\1/p' | tr '\n' ' ') || needed=
    # What is installed is only fetched.
    case " $needed" in *" $package "*) ;; *) needed+=$package ;; esac
    # shellcheck disable=SC2086 # names of packages
    if ! (cd "$work" && apt-get download -q $needed >/dev/null 2>&1); then
        echo "fetch-plugins: NOT FETCHED: $package"
        status=partial
    fi
done
mkdir -p "$place/lib"
for file in "$work"/*.deb; do
    if [ -e "$file" ]; then dpkg -x "$file" "$work/tree"; fi
done
if [ -d "$work/tree/usr/lib" ]; then
    find "$work/tree/usr/lib" -path '*/purple-2/*.so' -exec cp {} "$place" \;
    find "$work/tree/usr/lib" -name '*.so.*' -not -path '*/purple-2/*' -exec cp -a {} "$place/lib" \;
fi
touch "$place/$status"
