#!/usr/bin/env bash
# Builds the page into its dist/ directory, with packages fetched only when the lock file is newer than what is there.
# It must not change the lock file.
#
# Usage: packaging/build-client.sh web/client
set -euo pipefail

client=$1
if [ ! -e "$client/package.json" ]; then
    echo "build-client: $client has no package.json, no page is built"
    exit 0
fi
cd "$client"
stamp=node_modules/.package-lock.json
if [ ! -e "$stamp" ] || [ package-lock.json -nt "$stamp" ]; then
    npm ci --no-audit --no-fund
    touch "$stamp"
fi
npm run --silent build
