#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Stands up a Kubernetes cluster of one real node, runs a command in it, and
# takes everything down again:
#
#   hack/node/node.sh kubectl get nodes
#   hack/node/node.sh -i bin/image/rolecall-linux-amd64.tar bash
#
#   -i FILE    a tar of images to load, as `make image` writes it; may be repeated
#   -l FOLDER  where logs go if the command fails (default: bin/node)
#
# The command finds kubectl in its PATH and KUBECONFIG set; its exit status is
# this script's. It must run on the node itself, and can then reach pods and
# Services: the cluster lives in Linux namespaces of its own (mount, net, pid,
# ipc, uts, cgroup), touches no port and no setting of the machine, and ends with
# this script, whatever ends that.
#
# kubelet, kube-proxy, the control plane and etcd are built from Go modules
# (hack/kube/build.sh); containerd, runc, the CNI plugins and nft are Debian's,
# and are installed if they are missing. Needs root, and cgroup v1: on another
# machine use another cluster (CONTRIBUTING.md says how).
#
# There is no DNS in it (a pod's hostAliases can name a Service) and nothing that
# enforces NetworkPolicies.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
root=$(cd -- "$here/../.." && pwd)

say() { echo "hack/node: $*" >&2; }
die() { say "$*"; exit 2; }

images=() logs=$root/bin/node
while getopts i:l: option; do
	case $option in
	i) images+=("$(realpath -- "$OPTARG")") ;;
	l) logs=$OPTARG ;;
	*) die 'usage: node.sh [-i IMAGES.tar]... [-l FOLDER] COMMAND [ARGUMENT...]' ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || die 'name a command to run in the cluster, such as: kubectl get nodes'
for image in "${images[@]}"; do
	[ -r "$image" ] || die "-i $image: cannot be read"
done

# requirements tells in words what is missing, before anything fails in a less
# clear way.
requirements() {
	[ "$(uname -s)" = Linux ] || die 'a node is a Linux machine'
	[ "$(id -u)" = 0 ] || die 'needs root: it makes namespaces and cgroups'
	[ -d /sys/fs/cgroup/memory ] || die 'needs cgroup v1, which this machine has not; use another cluster: E2E_KUBECONFIG'
	local missing=() file
	for file in /usr/bin/containerd /usr/bin/ctr /usr/sbin/runc /usr/lib/cni/ptp /usr/sbin/nft /usr/bin/openssl /usr/sbin/ip; do
		[ -x "$file" ] || missing+=("$file")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	say "missing: ${missing[*]}"
	command -v apt-get >/dev/null || die 'install containerd, runc, the CNI plugins, nftables, openssl and iproute2'
	say 'installing containerd runc containernetworking-plugins nftables openssl iproute2'
	{
		apt-get update -q
		DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
			containerd runc containernetworking-plugins nftables openssl iproute2
	} >&2
}

# hierarchies prints the folder of this process's cgroup in every hierarchy.
hierarchies() {
	local controllers path
	while IFS=: read -r _ controllers path; do
		case $controllers in
		'') controllers=unified ;;
		name=*) controllers=${controllers#name=} ;;
		esac
		[ -d "/sys/fs/cgroup/$controllers" ] && echo "/sys/fs/cgroup/$controllers${path%/}"
	done </proc/self/cgroup
	return 0
}

# abandoned succeeds if what bears this name was left by a run that was killed.
abandoned() {
	local pid=${1##*-}
	! tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -q 'node\.sh'
}

# remove_cgroup removes a cgroup and those below it; their last processes may
# still be dying.
remove_cgroup() {
	local _
	for _ in {1..100}; do
		find "$1" -depth -type d -exec rmdir {} \; 2>/dev/null || true
		[ -d "$1" ] || return 0
		sleep 0.1
	done
	say "left behind: $1"
}

# sweep removes what runs before this one left, if they were killed in a way that
# nobody can catch.
sweep() {
	local left
	for left in "${TMPDIR:-/tmp}"/rolecall-node-*; do
		if [ -d "$left" ] && abandoned "$left"; then rm -rf "$left"; fi
	done
	while read -r folder; do
		for left in "$folder"/rolecall-node-*; do
			if [ -d "$left" ] && abandoned "$left"; then remove_cgroup "$left"; fi
		done
	done < <(hierarchies)
}

# make_cgroups makes a cgroup of the node's own in every hierarchy, below the one
# that this script is in, so that its limits hold for the node too.
make_cgroups() {
	local folder group file
	while read -r folder; do
		group=$folder/rolecall-node-$$
		mkdir "$group"
		cgroups+=("$group")
		for file in cpuset.cpus cpuset.mems; do
			if [ -e "$group/$file" ]; then cat "$folder/$file" >"$group/$file"; fi
		done
	done < <(hierarchies)
	printf '%s\n' "${cgroups[@]}" >"$work/cgroups"
}

# keep_logs moves the logs to where they are found.
keep_logs() {
	rm -rf "$logs" && mkdir -p "$(dirname -- "$logs")" && mv "$work/log" "$logs" && say "logs are in $logs"
}

child='' started='' cgroups=()
end() {
	local status=$?
	trap - EXIT
	trap '' INT TERM HUP
	if [ -n "$child" ]; then kill -KILL "$child" 2>/dev/null || true; fi
	wait
	if [ "$status" != 0 ] && [ -n "$started" ]; then keep_logs || true; fi
	for group in "${cgroups[@]}"; do remove_cgroup "$group"; done
	rm -rf "$work"
	exit "$status"
}

requirements
programs=$("$root/hack/kube/build.sh" etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl)
sweep
work=${TMPDIR:-/tmp}/rolecall-node-$$
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
mkdir -p "$work"/{log,pki,etc,run,images,var-lib,var-log}
make_cgroups

# Every pod needs the pause image, which is made here like the others.
go build -C "$root/hack/image" -o "$work/image" .
"$work/image" -module "$root" -package ./hack/node/pause -name rolecall.test/pause -title pause \
	-description "holds a pod's namespaces" -platforms "linux/$(go env GOARCH)" -out "$work/pause" >/dev/null
for image in "$work"/pause/*.tar "${images[@]}"; do
	ln -s "$image" "$work/images/$((n = ${n:-0} + 1)).tar"
done

# The shell joins the cgroups, then becomes the process that makes the
# namespaces: if this script dies it is killed, and with it the first process of
# the process namespace, which is the end of all others.
started=yes
bash -c '
	while read -r group; do echo $$ >"$group/cgroup.procs"; done <"$1/cgroups"
	exec setpriv --pdeathsig KILL unshare --mount --net --pid --ipc --uts --cgroup \
		--fork --kill-child --mount-proc --propagation private -- "${@:2}"
' bash "$work" "$here/inside.sh" "$work" "$programs" "$@" <&0 &
child=$!
wait "$child"
