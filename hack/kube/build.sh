#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Builds programs of a real Kubernetes from Go modules, keeps them in the user's
# cache directory by version, and prints the folder.
#
#   hack/kube/build.sh                  kube-apiserver, etcd and kubectl
#   hack/kube/build.sh etcd kubelet     only these; also kube-controller-manager, kube-scheduler and kube-proxy
#
# The first run takes minutes, later ones a fraction of a second. It may run
# several times at once: one builds, the others wait for it, and a program
# appears in the folder only when it is complete.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cd "$here"

# The caller's module settings (workspaces, vendoring) are about other modules.
# Static programs run in any image; -trimpath makes them the same everywhere.
export GOWORK=off GOFLAGS=-buildvcs=false CGO_ENABLED=0

say() { echo "hack/kube: $*" >&2; }

# Read from go.mod, not asked of go, so that a cached run is quick.
version() { awk -v module="$1" '$1 == module && $2 ~ /^v/ { print $2; exit }' go.mod; }

kubernetes=$(version k8s.io/kubernetes)
etcd=$(version go.etcd.io/etcd/server/v3)
if [ -z "$kubernetes" ] || [ -z "$etcd" ]; then
	say "go.mod must require k8s.io/kubernetes and go.etcd.io/etcd/server/v3, one a line"
	exit 1
fi
folder="${XDG_CACHE_HOME:-$HOME/.cache}/rolecall/kube/$kubernetes/etcd-$etcd"

# Without the stamp the server calls itself v0.0.0-master, and charts and
# clients that ask for a minimal version refuse it.
stamp=k8s.io/component-base/version
minor=${kubernetes#v*.}
flags="-s -w -X $stamp.gitVersion=$kubernetes -X $stamp.gitMajor=1 -X $stamp.gitMinor=${minor%%.*}"

[ $# -gt 0 ] || set -- kube-apiserver etcd kubectl

# missing prints the programs of its arguments that the folder does not hold.
missing() {
	for program; do
		[ -x "$folder/$program" ] || echo "$program"
	done
}

# progress turns the list of packages that go build -v writes into a line now
# and then, and passes on everything else: what is wrong.
progress() {
	awk -v all="$1" '
		/^[^ #]*\/[^ ]*$/ || /^[a-z0-9]+$/ { if (++n % 100 == 0) print "hack/kube: " n " packages compiled, " all " at most"; next }
		{ print }' >&2
}

# build puts one program, $1, from the package $2 into the folder. Its first
# name is in the same folder, so that the rename is atomic.
build() {
	program=$1 package=$2
	say "building $program ($package)"
	started=$(date +%s)
	new="$folder/.$program.$$"
	trap 'rm -f "$new"' EXIT
	trap 'exit 130' INT TERM
	count=$(go list -deps "$package" | wc -l)
	# A pipe hides the status of what is before it; the program is the proof.
	nice -n 10 go build -v -trimpath -ldflags "$flags" -o "$new" "$package" 2>&1 | progress "$((count))"
	[ -x "$new" ] || { say "$program was not built"; exit 1; }
	mv "$new" "$folder/$program"
	say "built $program in $(($(date +%s) - started)) s"
}

build_all() {
	for program; do
		case $program in
		etcd) build etcd go.etcd.io/etcd/server/v3 ;;
		*) build "$program" "k8s.io/kubernetes/cmd/$program" ;;
		esac
	done
}

if [ -n "$(missing "$@")" ]; then
	say "Kubernetes $kubernetes and etcd $etcd are built from source into $folder"
	say "this takes minutes, once: on two cores 6 for an API server, 9 for a whole node"
	mkdir -p "$folder"
	# Where there is no flock (macOS), two runs at once cost twice the work and
	# are still right: the renames see to that.
	exec 9>"$folder/.lock"
	if command -v flock >/dev/null && ! flock -n 9; then
		say "another run is building; waiting for it"
		flock 9
	fi
	# Asked again: the run that was waited for has built them.
	# shellcheck disable=SC2046 # program names hold no blanks
	build_all $(missing "$@")
fi
echo "$folder"
