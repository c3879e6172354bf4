#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Builds Traefik from its Go module, keeps it in the user's cache directory by
# version, and prints its path. The first run takes minutes, later ones a fraction
# of a second.
set -eu
cd "$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)"

# The caller's module settings are about other modules.
export GOWORK=off GOFLAGS=-buildvcs=false CGO_ENABLED=0

module=github.com/traefik/traefik/v3
version=$(awk -v module=$module '$1 == module && $2 ~ /^v/ { print $2; exit } $2 == module { print $3; exit }' go.mod)
[ -n "$version" ] || { echo "hack/proxies/traefik: go.mod must require $module" >&2; exit 1; }
folder="${XDG_CACHE_HOME:-$HOME/.cache}/rolecall/proxies/traefik-$version"
if [ ! -x "$folder/traefik" ]; then
	echo "hack/proxies/traefik: Traefik $version is built from source into $folder; this takes 5 to 15 minutes on two cores, once" >&2
	mkdir -p "$folder"
	exec 9>"$folder/.lock"
	! command -v flock >/dev/null || flock 9
	if [ ! -x "$folder/traefik" ]; then
		new="$folder/.traefik.$$"
		trap 'rm -f "$new"' EXIT
		trap 'exit 130' INT TERM
		nice -n 10 go build -trimpath -ldflags '-s -w' -o "$new" $module/cmd/traefik
		mv "$new" "$folder/traefik"
	fi
fi
echo "$folder/traefik"
