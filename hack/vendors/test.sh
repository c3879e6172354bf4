#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs the vendors' own clients, from npm, against `rolecall serve --dir` over TLS,
# with a certificate made on the spot. Arguments go to node's test runner:
# hack/vendors/test.sh --test-name-pattern health
set -eu
cd "$(dirname -- "$0")/../.."
here=hack/vendors

if ! command -v npm > /dev/null; then
	if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
		echo 'test-vendors: npm is missing: install Node.js 20 or later with npm (Debian: apt-get install nodejs npm)' >&2
		exit 1
	fi
	apt-get update -q >&2 && apt-get install -yq --no-install-recommends nodejs npm >&2
fi

# The packages are kept in the user's cache, by what the lock file says.
sum=$(cat $here/package.json $here/package-lock.json | cksum | cut -d ' ' -f 1)
cache=${XDG_CACHE_HOME:-${HOME:?set HOME or XDG_CACHE_HOME: the packages are kept there}/.cache}/rolecall/vendors
packages=$cache/$sum

tmp=$(mktemp -d)
fetched=''
trap 'rm -rf "$tmp" ${fetched:+"$fetched"}' EXIT
trap 'exit 130' INT TERM

if [ ! -d "$packages" ]; then
	echo "fetching the clients (once, into $packages)" >&2
	mkdir -p "$cache"
	# Fetched beside its place and moved there, so that half of it is never used.
	fetched=$packages.$$
	mkdir "$fetched"
	cp $here/package.json $here/package-lock.json $here/.npmrc "$fetched"
	npm ci --prefix "$fetched" --ignore-scripts --no-audit --no-fund >&2
	[ -d "$packages" ] || mv "$fetched" "$packages"
fi

go build -o "$tmp/rolecall" ./cmd/rolecall
cp -r config/samples "$tmp/samples"
cp $here/*.js "$tmp"
echo '{"type": "module"}' > "$tmp/package.json"
ln -s "$packages/node_modules" "$tmp/node_modules"
generate=$(go env GOROOT)/src/crypto/tls/generate_cert.go
(cd "$tmp" && go run "$generate" -host localhost,127.0.0.1 -ca -ecdsa-curve P256 -duration 24h > /dev/null 2>&1)

cd "$tmp"
NODE_EXTRA_CA_CERTS=$tmp/cert.pem node --test --test-reporter=spec "$@" ./*.test.js
