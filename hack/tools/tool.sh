#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tool.sh NAME prints the path of a pinned tool, built first if this user has
# not built that version yet.
#
# Tools are kept in the user's cache, never in the repository, so that every
# clone and worktree shares them and `git clean` costs nothing. The folder's
# name has all that the binary depends on: the tool's version, the checksum of
# its module file (its dependencies' versions) and of its source if that is here,
# and the version of Go (the linter refuses code that is newer than the Go it was
# built with).
set -eu

name=${1:?usage: tool.sh controller-gen|crd-ref-docs|golangci-lint|helm|protoc|protoc-gen-go|protoc-gen-go-grpc}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

source=/dev/null
case $name in
controller-gen) dir=$here module=sigs.k8s.io/controller-tools package=$module/cmd/controller-gen ;;
crd-ref-docs) dir=$here module=github.com/elastic/crd-ref-docs package=$module ;;
golangci-lint) dir=$here/golangci-lint module=github.com/golangci/golangci-lint/v2 package=$module/cmd/golangci-lint ;;
helm) dir=$here/helm module=helm.sh/helm/v3 package=$module/cmd/helm ;;
protoc) dir=$here module=github.com/bufbuild/protocompile package=./protoc source=$here/protoc/main.go ;;
protoc-gen-go) dir=$here module=google.golang.org/protobuf package=$module/cmd/protoc-gen-go ;;
protoc-gen-go-grpc) dir=$here module=google.golang.org/grpc/cmd/protoc-gen-go-grpc package=$module ;;
*) echo "tool.sh: unknown tool $name" >&2 && exit 2 ;;
esac

# required prints the version of a module. Reading it from the file costs nothing;
# `go list -m` would load the module graph.
required() { awk -v m="$1" '$1 == m && $2 ~ /^v/ { print $2; exit }' "$dir/go.mod"; }

version=$(required "$module")
[ -n "$version" ] || { echo "tool.sh: $dir/go.mod does not require $module" >&2 && exit 1; }
sum=$(cat "$dir/go.mod" "$source" | cksum | cut -d ' ' -f 1)
cache=${XDG_CACHE_HOME:-${HOME:?set HOME or XDG_CACHE_HOME: the tools are built there}/.cache}
bin=$cache/rolecall/tools/$name/$version-$(go env GOVERSION)-$sum/$name

if [ ! -x "$bin" ]; then
	echo "building $name $version (once, into $(dirname "$bin"))" >&2
	mkdir -p "$(dirname "$bin")"
	# Built beside its place and moved there, so that a build that is cut short
	# or runs twice at a time never leaves half a tool.
	tmp=$bin.$$
	trap 'rm -f "$tmp"' EXIT
	flags='-s -w'
	if [ "$name" = helm ]; then
		# Without the stamp `helm template` takes the cluster for Kubernetes 1.20, and
		# refuses every chart that asks for more.
		minor=$(required k8s.io/client-go)
		minor=${minor#v0.}
		flags="$flags -X $module/internal/version.version=$version"
		for stamped in chartutil lint/rules; do
			flags="$flags -X $module/pkg/$stamped.k8sVersionMajor=1 -X $module/pkg/$stamped.k8sVersionMinor=${minor%%.*}"
		done
	fi
	GOWORK=off GOFLAGS='' CGO_ENABLED=0 go build -C "$dir" -trimpath -buildvcs=false -ldflags="$flags" \
		-o "$tmp" "$package" >&2
	mv "$tmp" "$bin"
fi
echo "$bin"
