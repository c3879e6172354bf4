#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The first process of the node's namespaces; node.sh starts it. Stands the
# cluster up, runs the command, and by ending ends everything.
#
#   inside.sh WORK PROGRAMS COMMAND...
set -euo pipefail

work=$1 programs=$2
shift 2
export PATH=$programs:$PATH

# The machine sees nothing of these; they only must not be used in the pods' own world.
address=10.213.0.1 services=10.96.0.0/16 kubernetes=10.96.0.1 pods=10.244.0.0/24

begun=${EPOCHREALTIME/[.,]/}
say() {
	local passed=$(((${EPOCHREALTIME/[.,]/} - begun) / 100000))
	printf 'hack/node: %3d.%d s  %s\n' $((passed / 10)) $((passed % 10)) "$*" | tee -a "$work/log/node.log" >&2
}

# network: an address for the node on the one interface there is. Addresses of
# Services need a route before kube-proxy's rules see packets for them.
network() {
	hostname node1
	ip link set lo up
	ip address add "$address/32" dev lo
	ip route add "$services" dev lo src "$address"
	echo 1 >/proc/sys/net/ipv4/ip_forward
}

# files: this network's view of /sys, the cgroups from the node's own down, and
# writable folders that do not outlive the node.
files() {
	local controller
	mount -t sysfs sysfs /sys
	mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup
	for controller in cpu cpuacct cpuset memory devices freezer blkio pids; do
		grep -q "[:,]${controller}[:,]" /proc/self/cgroup || continue
		mkdir "/sys/fs/cgroup/$controller"
		mount -t cgroup -o "$controller" cgroup "/sys/fs/cgroup/$controller"
	done
	if grep -q name=systemd /proc/self/cgroup; then
		mkdir /sys/fs/cgroup/systemd
		mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
	fi
	mount -t tmpfs -o mode=755 tmpfs /run
	mount --bind "$work/var-lib" /var/lib
	mount --bind "$work/var-log" /var/log
}

# settings: the kubelet insists on these, which are the whole machine's. It is
# shown the values it wants, and the machine's stay as they are.
settings() {
	local setting name
	for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
		kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
		name=${setting%=*}
		echo "${setting#*=}" >"$work/etc/${name//\//-}"
		mount --bind "$work/etc/${name//\//-}" "/proc/sys/$name"
	done
}

# certificate NAME SUBJECT EXTENSIONS makes a key and a certificate for it.
certificate() {
	local file=$work/pki/$1
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$file.key" -out "$file.csr" -subj "$2"
	openssl x509 -req -in "$file.csr" -CA "$work/pki/ca.crt" -CAkey "$work/pki/ca.key" -CAcreateserial -days 2 \
		-out "$file.crt" -extfile <(printf '%s\n' "$3")
}

# kubeconfig NAME writes etc/NAME.kubeconfig, for the certificate of that name.
kubeconfig() {
	cat >"$work/etc/$1.kubeconfig" <<-EOF
		apiVersion: v1
		kind: Config
		clusters: [{name: node, cluster: {server: "https://$address:6443", certificate-authority: $work/pki/ca.crt}}]
		users: [{name: $1, user: {client-certificate: $work/pki/$1.crt, client-key: $work/pki/$1.key}}]
		contexts: [{name: node, context: {cluster: node, user: $1}}]
		current-context: node
	EOF
}

identities() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/pki/ca.key" -out "$work/pki/ca.crt" \
		-subj /CN=node -days 2 -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
	certificate apiserver /CN=kube-apiserver "extendedKeyUsage=serverAuth
subjectAltName=IP:127.0.0.1,IP:$address,IP:$kubernetes,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc"
	openssl ecparam -name prime256v1 -genkey -noout -out "$work/pki/tokens.key"
	openssl ec -in "$work/pki/tokens.key" -pubout -out "$work/pki/tokens.pub"
	certificate admin /O=system:masters/CN=admin extendedKeyUsage=clientAuth
	certificate kubelet /O=system:nodes/CN=system:node:node1 extendedKeyUsage=clientAuth
	certificate kube-proxy /CN=system:kube-proxy extendedKeyUsage=clientAuth
	local name
	for name in admin kubelet kube-proxy; do kubeconfig "$name"; done
}

# start NAME ARGUMENT... starts a daemon. Its log has its name.
start() {
	local name=$1
	"$@" >"$work/log/$name.log" 2>&1 &
	daemons[$!]=$name
}
declare -A daemons

# wait_for WHAT COMMAND... waits until the command succeeds, for two minutes at least.
wait_for() {
	local tries=1200 what=$1
	shift
	while ! "$@" >"$work/log/last-wait.log" 2>&1; do
		alive
		if ((tries-- == 0)); then
			say "gave up waiting: $what; the last try said:"
			cat "$work/log/last-wait.log" >&2
			return 1
		fi
		sleep 0.1
	done
	say "$what"
}

# alive fails if a daemon has ended, with the end of its log.
alive() {
	local pid
	for pid in "${!daemons[@]}"; do
		kill -0 "$pid" 2>/dev/null && continue
		say "${daemons[$pid]} has ended; its log's end:"
		tail -n 20 "$work/log/${daemons[$pid]}.log" >&2
		exit 1
	done
}

control_plane() {
	start etcd --data-dir="$work/etcd" --unsafe-no-fsync --log-level=warn \
		--listen-client-urls=http://127.0.0.1:2379 --advertise-client-urls=http://127.0.0.1:2379 \
		--listen-peer-urls=http://127.0.0.1:2380 --initial-advertise-peer-urls=http://127.0.0.1:2380 \
		--initial-cluster=default=http://127.0.0.1:2380
	start kube-apiserver --etcd-servers=http://127.0.0.1:2379 --advertise-address="$address" --secure-port=6443 \
		--service-cluster-ip-range="$services" --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
		--allow-privileged --profiling=false --kubelet-preferred-address-types=InternalIP \
		--client-ca-file="$work/pki/ca.crt" --tls-cert-file="$work/pki/apiserver.crt" --tls-private-key-file="$work/pki/apiserver.key" \
		--kubelet-client-certificate="$work/pki/admin.crt" --kubelet-client-key="$work/pki/admin.key" \
		--service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$work/pki/tokens.pub" \
		--service-account-signing-key-file="$work/pki/tokens.key"
	# As the administrator they need not wait for the API server's own roles; at
	# their default rates the first pod would wait five seconds for them.
	start kube-controller-manager --kubeconfig="$work/etc/admin.kubeconfig" --leader-elect=false --use-service-account-credentials \
		--root-ca-file="$work/pki/ca.crt" --service-account-private-key-file="$work/pki/tokens.key" \
		--kube-api-qps=500 --kube-api-burst=1000
	start kube-scheduler --kubeconfig="$work/etc/admin.kubeconfig" --leader-elect=false --kube-api-qps=500 --kube-api-burst=1000
}

# container_runtime: ptp gives each pod a pair of interfaces and a route, which
# asks for no bridge and no iptables.
container_runtime() {
	mkdir "$work/etc/cni"
	cat >"$work/etc/cni/10-ptp.conflist" <<-EOF
		{"cniVersion": "1.0.0", "name": "node", "plugins": [{"type": "ptp", "ipMasq": false, "mtu": 1500, "ipam":
		  {"type": "host-local", "ranges": [[{"subnet": "$pods"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
	EOF
	# Without restrict_oom_score_adj no pod starts where CAP_SYS_RESOURCE is missing.
	cat >"$work/etc/containerd.toml" <<-EOF
		version = 2
		[plugins."io.containerd.grpc.v1.cri"]
		  sandbox_image = "rolecall.test/pause:devel"
		  restrict_oom_score_adj = true
		  [plugins."io.containerd.grpc.v1.cri".cni]
		    bin_dir = "/usr/lib/cni"
		    conf_dir = "$work/etc/cni"
		  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
		    runtime_type = "io.containerd.runc.v2"
	EOF
	start containerd -c "$work/etc/containerd.toml"
	wait_for 'containerd answers' ctr version
	local image
	for image in "$work"/images/*.tar; do ctr -n k8s.io images import "$image" >>"$work/log/images.log"; done
	say 'images are loaded'
}

node() {
	cat >"$work/etc/kubelet.yaml" <<-EOF
		apiVersion: kubelet.config.k8s.io/v1beta1
		kind: KubeletConfiguration
		failCgroupV1: false
		cgroupDriver: cgroupfs
		containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
		authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $work/pki/ca.crt}}
		authorization: {mode: Webhook}
		clusterDomain: cluster.local
		resolvConf: ""
		oomScoreAdj: 0
		failSwapOn: false
		imageGCHighThresholdPercent: 100
		evictionHard: {nodefs.available: "0%", nodefs.inodesFree: "0%", imagefs.available: "0%", imagefs.inodesFree: "0%"}
	EOF
	cat >"$work/etc/kube-proxy.yaml" <<-EOF
		apiVersion: kubeproxy.config.k8s.io/v1alpha1
		kind: KubeProxyConfiguration
		mode: nftables
		clientConnection: {kubeconfig: $work/etc/kube-proxy.kubeconfig}
		hostnameOverride: node1
		conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
	EOF
	start kubelet --config="$work/etc/kubelet.yaml" --kubeconfig="$work/etc/kubelet.kubeconfig" \
		--hostname-override=node1 --node-ip="$address" --v=2
	wait_for 'the API server is ready' kubectl get --raw /readyz
	start kube-proxy --config="$work/etc/kube-proxy.yaml"
	wait_for 'the node is registered' kubectl get node node1
	wait_for 'the node is Ready' kubectl wait --for=condition=Ready node/node1 --timeout=1s
	wait_for 'the default service account is there' kubectl -n default get serviceaccount default
}

# state writes down what the cluster looks like, for whoever reads the logs.
state() {
	{
		kubectl get all,events --all-namespaces -o wide
		kubectl describe pods --all-namespaces
	} >"$work/log/state.log" 2>&1 || true
	cp -rL /var/log/pods "$work/log/" 2>/dev/null || true
}

network
files
settings
identities >"$work/log/openssl.log" 2>&1
export KUBECONFIG=$work/etc/admin.kubeconfig
control_plane
container_runtime
node
status=0
"$@" || status=$?
[ "$status" = 0 ] || state
exit "$status"
