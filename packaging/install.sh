#!/usr/bin/env bash
# Lays the files of a package below DESTDIR: what packaging/rpm and packaging/debian have in common. Builds nothing and asks for no root.
#
# Usage: DESTDIR=DIR [BINARY=FILE] [LIBDIR=DIR] [UNITDIR=DIR] [DOCDIR=DIR] packaging/install.sh
#   BINARY   the built daemon; default target/release/bellflower. It writes the manual pages and the completions, so it has to run here
#   LIBDIR   where libraries are: plugins go to LIBDIR/bellflower/plugins; default /usr/lib64. The daemon must have been built with
#            BELLFLOWER_PLUGIN_DIR=LIBDIR/bellflower/plugins
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

root=${DESTDIR:?usage: DESTDIR=DIR packaging/install.sh}
binary=${BINARY:-target/release/bellflower}
libdir=${LIBDIR:-/usr/lib64}
unitdir=${UNITDIR:-/usr/lib/systemd/system}
docdir=${DOCDIR:-/usr/share/doc/bellflower}

put() { install -D -p -m "$1" "$2" "$root$3"; }

put 755 "$binary" /usr/bin/bellflower
install -d -m 755 "$root$libdir/bellflower/plugins"

put 644 packaging/systemd/bellflower.service "$unitdir/bellflower.service"
put 644 packaging/systemd/bellflower.socket "$unitdir/bellflower.socket"
for drop_in in packaging/systemd/bellflower.service.d/*.conf; do
    put 644 "$drop_in" "$unitdir/bellflower.service.d/$(basename "$drop_in")"
done
put 644 packaging/sysusers.d/bellflower.conf /usr/lib/sysusers.d/bellflower.conf
put 644 packaging/tmpfiles.d/bellflower.conf /usr/lib/tmpfiles.d/bellflower.conf
put 644 packaging/firewalld/bellflower.xml /usr/lib/firewalld/services/bellflower.xml

# The service keeps its data where the unit has it; set in the file, it counts for the administrator's commands, too.
install -d -m 750 "$root/etc/bellflower"
sed 's|^#\(data_dir = "/var/lib/bellflower"\)$|\1|' packaging/config/bellflower.toml >"$root/etc/bellflower/bellflower.toml"
grep -q '^data_dir = ' "$root/etc/bellflower/bellflower.toml"
chmod 640 "$root/etc/bellflower/bellflower.toml"
touch -r packaging/config/bellflower.toml "$root/etc/bellflower/bellflower.toml"
install -d -m 750 "$root/var/lib/bellflower"

made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
"$binary" generate man "$made"
"$binary" generate completions "$made"
for page in "$made"/*.[157]; do put 644 "$page" "/usr/share/man/man${page##*.}/$(basename "$page")"; done
put 644 "$made/bellflower.bash" /usr/share/bash-completion/completions/bellflower
put 644 "$made/_bellflower" /usr/share/zsh/site-functions/_bellflower
put 644 "$made/bellflower.fish" /usr/share/fish/vendor_completions.d/bellflower.fish

for page in README.md CHANGELOG.md docs/*.md; do put 644 "$page" "$docdir/$(basename "$page")"; done
for folder in example-plugin proxies monitoring; do
    [ -d "packaging/$folder" ] || continue
    for file in packaging/"$folder"/*; do put 644 "$file" "$docdir/$folder/$(basename "$file")"; done
done
