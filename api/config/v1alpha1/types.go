// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Group is the name of the API group.
const Group = "config.rolecall.dev"

// Kind is the kind of the configuration file.
const Kind = "ServerConfiguration"

// GroupVersion is the group and version of the kind in this package.
var GroupVersion = schema.GroupVersion{Group: Group, Version: "v1alpha1"}

// +kubebuilder:object:root=true

// ServerConfiguration configures `rolecall serve`. Every field is optional; the
// defaults suit a developer's machine: nothing listens beyond the loopback
// interface.
type ServerConfiguration struct {
	metav1.TypeMeta `json:",inline"`

	// http is the listener of the HTTP doors, where checks are asked.
	//
	// Default: bindAddress `127.0.0.1:8080`, without TLS.
	//
	// +optional
	HTTP Listener `json:"http,omitempty"`

	// grpc is the listener of the gRPC doors.
	//
	// Default: bindAddress `127.0.0.1:9090`, without TLS.
	//
	// +optional
	GRPC Listener `json:"grpc,omitempty"`

	// health is the listener of /healthz and /readyz. It has no TLS, because
	// kubelets and load balancers ask it.
	//
	// Default: bindAddress `127.0.0.1:8081`.
	//
	// +optional
	Health PlainListener `json:"health,omitempty"`

	// metrics is the listener of /metrics, for Prometheus.
	//
	// Default: bindAddress `127.0.0.1:8443`, without TLS.
	//
	// +optional
	Metrics MetricsListener `json:"metrics,omitempty"`

	// certificates has the server make its certificate itself. Without it no
	// listener can say `tls.generated`.
	//
	// +optional
	Certificates *Certificates `json:"certificates,omitempty"`

	// admission opens the validating webhook. Without it there is none.
	//
	// +optional
	Admission *Admission `json:"admission,omitempty"`

	// defaultNamespace is the namespace that is meant by requests whose path names
	// none. Without it they are answered with 404.
	//
	// Default: none with an API server, `default` with a folder.
	//
	// +optional
	DefaultNamespace string `json:"defaultNamespace,omitempty"`

	// namespaces are those whose objects are watched and whose checks are
	// answered. Empty means all of them, which needs cluster-wide rights.
	//
	// +optional
	// +listType=set
	Namespaces []string `json:"namespaces,omitempty"`

	// sessions say, per namespace, whose session tokens count. A check may carry
	// one in place of a subject's name.
	//
	// +optional
	// +listType=map
	// +listMapKey=namespace
	Sessions []NamespaceSessions `json:"sessions,omitempty"`

	// callers says who may ask.
	//
	// +optional
	Callers Callers `json:"callers,omitempty"`

	// limits bound what one request may ask for.
	//
	// +optional
	Limits Limits `json:"limits,omitempty"`

	// timeouts bound how long a connection may take.
	//
	// +optional
	Timeouts Timeouts `json:"timeouts,omitempty"`

	// leaderElection elects the replica that writes status. Every replica serves
	// checks, elected or not. It means nothing when the objects come from a folder.
	//
	// +optional
	LeaderElection LeaderElection `json:"leaderElection,omitempty"`

	// maxSnapshotAge, if it is not zero, is how long checks are answered after the
	// last contact with the source of the objects. Beyond it the server is not
	// ready, and says so instead of deciding.
	//
	// Default: `0s`, checks go on for ever; the age is a metric.
	//
	// +optional
	MaxSnapshotAge metav1.Duration `json:"maxSnapshotAge,omitempty"`

	// authZEN configures the native door.
	//
	// +optional
	AuthZEN AuthZEN `json:"authZEN,omitempty"`

	// gateways opens the doors for gateways, forward-auth and Envoy's ext_authz, to
	// those of each namespace. Without any, both doors are shut.
	//
	// +optional
	// +listType=map
	// +listMapKey=namespace
	Gateways []Gateway `json:"gateways,omitempty"`

	// cerbos bounds what clients of Cerbos may ask for in one request.
	//
	// +optional
	Cerbos Cerbos `json:"cerbos,omitempty"`

	// stytch opens the door for Stytch's B2B SDKs.
	//
	// +optional
	Stytch Stytch `json:"stytch,omitempty"`

	// yorAuth opens the door for those who ask by YorAuth's API.
	//
	// +optional
	YorAuth YorAuth `json:"yorAuth,omitempty"`

	// kubernetesWebhook says what the requests of a Kubernetes API server mean.
	//
	// +optional
	KubernetesWebhook KubernetesWebhook `json:"kubernetesWebhook,omitempty"`

	// log says what is logged and how.
	//
	// +optional
	Log Log `json:"log,omitempty"`

	// frontEnds opens the endpoint by which users learn what they may do. Without it
	// only callers can ask, about anybody.
	//
	// +optional
	FrontEnds *FrontEnds `json:"frontEnds,omitempty"`

	// decisionLog writes decisions down. Without it nothing is.
	//
	// +optional
	DecisionLog *DecisionLog `json:"decisionLog,omitempty"`
}

// Limits bound what one request may ask for.
type Limits struct {
	// requestBytes is the longest body of a request in bytes, from 1024 to 1048576.
	//
	// Default: 1048576 (1 MiB).
	//
	// +optional
	RequestBytes int64 `json:"requestBytes,omitempty"`

	// headerBytes is the longest head of a request (its line and headers) in bytes,
	// from 4096 to 1048576.
	//
	// Default: 65536 (64 KiB).
	//
	// +optional
	HeaderBytes int `json:"headerBytes,omitempty"`

	// evaluations is how many evaluations one batch may hold, from 1 to 10000.
	//
	// Default: 100.
	//
	// +optional
	Evaluations int `json:"evaluations,omitempty"`

	// concurrentStreams is how many calls one gRPC connection may have under way at
	// a time, from 1 to 100000.
	//
	// Default: 1000.
	//
	// +optional
	ConcurrentStreams int `json:"concurrentStreams,omitempty"`
}

// Timeouts bound how long a connection may take. Zero means the default; there
// is no way to have none.
type Timeouts struct {
	// readHeader is how long the head of a request may take to arrive.
	//
	// Default: `5s`.
	//
	// +optional
	ReadHeader metav1.Duration `json:"readHeader,omitempty"`

	// read is how long a whole request may take to arrive.
	//
	// Default: `10s`.
	//
	// +optional
	Read metav1.Duration `json:"read,omitempty"`

	// write is how long answering may take, from the end of the request's head.
	//
	// Default: `20s`.
	//
	// +optional
	Write metav1.Duration `json:"write,omitempty"`

	// idle is how long a connection is kept open between requests.
	//
	// Default: `2m`.
	//
	// +optional
	Idle metav1.Duration `json:"idle,omitempty"`

	// connectionAge is how old a gRPC connection grows, give or take a tenth. Then
	// its client is told to open another, and what it has begun on the old one ends
	// within `drain`. So clients find replicas that came after them.
	//
	// Default: `10m`.
	//
	// +optional
	ConnectionAge metav1.Duration `json:"connectionAge,omitempty"`

	// shutdownDelay is how long requests are still taken after the server was told
	// to stop and /readyz says so, until load balancers have noticed. In its second
	// half, every answer over HTTP ends its connection, so that clients go elsewhere.
	//
	// Default: `0s`.
	//
	// +optional
	ShutdownDelay metav1.Duration `json:"shutdownDelay,omitempty"`

	// drain is how long requests that have begun may take to end after that.
	//
	// Default: `15s`.
	//
	// +optional
	Drain metav1.Duration `json:"drain,omitempty"`
}

// LeaderElection names the Lease by which replicas elect the one that writes
// status.
type LeaderElection struct {
	// enabled switches the election on. Without it this replica writes status,
	// which is right only if it is the only one.
	//
	// Default: true.
	//
	// +optional
	Enabled *bool `json:"enabled,omitempty"`

	// namespace is the namespace of the Lease.
	//
	// Default: the namespace that the server runs in; outside a cluster, that of
	// the kubeconfig's context.
	//
	// +optional
	Namespace string `json:"namespace,omitempty"`

	// name is the name of the Lease.
	//
	// Default: `rolecall.rolecall.dev`.
	//
	// +optional
	Name string `json:"name,omitempty"`
}

// LogLevel says what is worth a line of the log.
//
// +kubebuilder:validation:Enum=error;info;debug
type LogLevel string

// The levels, each with those before it.
const (
	// LogError: what needs a person.
	LogError LogLevel = "error"
	// LogInfo: what happens to the server and its objects; never a check.
	LogInfo LogLevel = "info"
	// LogDebug: what helps to understand a fault of the server itself.
	LogDebug LogLevel = "debug"
)

// LogFormat is the form of a line of the log.
//
// +kubebuilder:validation:Enum=text;json
type LogFormat string

// The formats.
const (
	// LogText is for people.
	LogText LogFormat = "text"
	// LogJSON is one JSON object a line, for machines.
	LogJSON LogFormat = "json"
)

// Log says what is logged and how.
type Log struct {
	// level is `error`, `info` or `debug`.
	//
	// Default: `info`.
	//
	// +optional
	Level LogLevel `json:"level,omitempty"`

	// format is `text` or `json`.
	//
	// Default: `text`.
	//
	// +optional
	Format LogFormat `json:"format,omitempty"`
}
