#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# build.sh NAME prints the path of a peer's server, built first if this user has
# not built that version yet. That takes minutes, and is done with low priority.
#
# Like the tools they are kept in the user's cache; the folder's name has all that
# the binary depends on (see hack/tools/tool.sh).
set -eu

name=${1:?usage: build.sh cerbos|opa}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

case $name in
cerbos) dir=$here/peers/cerbos module=github.com/cerbos/cerbos package=$module/cmd/cerbos ;;
opa) dir=$here/peers module=github.com/open-policy-agent/opa package=$module ;;
*) echo "build.sh: unknown server $name: want cerbos or opa" >&2 && exit 2 ;;
esac

version=$(awk -v m="$module" '$1 == "require" { sub(/^require[ \t]+/, "") } $1 == m && $2 ~ /^v/ { print $2; exit }' "$dir/go.mod")
[ -n "$version" ] || { echo "build.sh: $dir/go.mod does not require $module" >&2 && exit 1; }
sum=$(cksum < "$dir/go.mod" | cut -d ' ' -f 1)
cache=${XDG_CACHE_HOME:-${HOME:?set HOME or XDG_CACHE_HOME: the servers are built there}/.cache}
bin=$cache/rolecall/bench/$name/$version-$(go env GOVERSION)-$sum/$name

if [ ! -x "$bin" ]; then
	echo "building $name $version (once, into $(dirname "$bin"))" >&2
	mkdir -p "$(dirname "$bin")"
	tmp=$bin.$$
	trap 'rm -f "$tmp"' EXIT
	GOWORK=off GOFLAGS='' CGO_ENABLED=0 nice -n 10 go build -C "$dir" -p 1 -trimpath -buildvcs=false -ldflags='-s -w' \
		-o "$tmp" "$package" >&2
	mv "$tmp" "$bin"
fi
echo "$bin"
