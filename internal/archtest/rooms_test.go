// SPDX-License-Identifier: Apache-2.0

package archtest

import "slices"

// A room is what one package, or (with /... at the end) a package and all below
// it, may import besides the standard library and packages of its own room.
type room struct {
	// path is below the module. The row with the longest path that fits holds.
	path string
	// sees lists packages and what is below them: of this module with a leading
	// "./", else by import path.
	sees []string
	// testOnly says that nothing that ships may import the room.
	testOnly bool
	// why is what a change of the row has to answer.
	why string
}

// everything is what a room sees that wires others together.
const everything = "..."

const (
	api          = "./api"
	apimachinery = "k8s.io/apimachinery"
)

// kubernetes is what it takes to speak with an API server. Only few may.
func kubernetes(more ...string) []string {
	return slices.Concat([]string{
		apimachinery, "k8s.io/api", "k8s.io/client-go", "k8s.io/klog/v2", "k8s.io/utils",
		"sigs.k8s.io/controller-runtime", "github.com/go-logr/logr",
	}, more)
}

// rooms is the allow-list. What is not listed is not allowed: a new package
// needs a row, and a new dependency a place in one.
func rooms() []room {
	return slices.Concat(vocabularyRooms(), coreRooms(), outerRooms(), testRooms())
}

func vocabularyRooms() []room {
	return []room{
		{
			path: "api/v1alpha1",
			sees: []string{apimachinery},
			why:  "whoever writes a client imports the kinds and must get nothing else with them",
		},
		{
			path: "api/config/v1alpha1",
			sees: []string{apimachinery},
			why:  "whoever writes a configuration file imports its kind and must get nothing else with it",
		},
		{
			path: "internal/authz",
			why:  "the vocabulary of a decision outlives every protocol, store and policy language",
		},
		{
			path: "internal/diag",
			why:  "a diagnostic is data that the compiler, the controllers and the commands share",
		},
		{
			path: "internal/version",
			why:  "anything may ask which build it is, so asking must cost nothing",
		},
		{
			path: "api/config/v1alpha1",
			sees: []string{apimachinery},
			why:  "the kind of a file: what reads, defaults and checks it is in internal/config",
		},
		{
			path: "config/crd",
			why:  "the manifests are data; who reads them brings the machinery",
		},
		{
			path: "config/admission",
			why:  "the policies are data too; the API server evaluates them, and tests do by its libraries",
		},
		{
			path: "config/samples",
			why:  "the samples are data, read by tests and by the developer's server alike",
		},
		{
			path: "config/samples",
			why:  "the samples are data too",
		},
	}
}

func coreRooms() []room {
	return []room{
		{
			path: "internal/expr",
			sees: []string{"./internal/authz", "github.com/google/cel-go", "k8s.io/apiserver/pkg/cel/library"},
			why:  "CEL has one door, so that its version, environment and cost limits have one place",
		},
		{
			path: "internal/schema",
			sees: []string{apimachinery, "./internal/authz", "./internal/expr", "k8s.io/apiextensions-apiserver"},
			why:  "properties are judged by the API server's own libraries, and nothing else has to know them",
		},
		{
			path: "internal/persist",
			why:  "collections of anything: they know nothing of what they hold",
		},
		{
			path: "internal/grants",
			sees: []string{"./internal/persist"},
			why:  "bindings as numbers: names, objects and decisions are the policy's",
		},
		{
			path: "internal/routing",
			sees: []string{"./internal/authz"},
			why:  "what a request means depends on the routes and the request, on nothing around them",
		},
		{
			path: "internal/policy",
			sees: []string{"./internal/authz", "./internal/expr", "./internal/grants", "./internal/persist", "./internal/routing"},
			why:  "a decision depends on the policy and the request: no clock, log, lock or Kubernetes may slip in",
		},
		{
			path: "internal/compile",
			sees: []string{
				api, apimachinery, "./internal/authz", "./internal/diag", "./internal/expr", "./internal/persist", "./internal/policy",
				"./internal/routing", "./internal/schema",
			},
			why: "one object in, a unit and diagnostics out: pure, so that data path, controllers and lint agree",
		},
		{
			path: "internal/store",
			sees: []string{api, apimachinery, "./internal/authz", "./internal/compile", "./internal/diag", "./internal/policy", "./internal/routing"},
			why:  "the one writer of snapshots knows objects as values, not where they come from",
		},
	}
}

func outerRooms() []room {
	return []room{
		{
			path: "internal/source/kube",
			sees: kubernetes(api, "./internal/store", "github.com/go-json-experiment/json"),
			why:  "one of the few rooms that know a Kubernetes client: watch events become changes here, decoded to what policy is made of",
		},
		{
			path: "internal/source/dir",
			sees: []string{
				api, apimachinery, "./config/crd", "./internal/compile", "./internal/diag", "./internal/store",
				"k8s.io/apiextensions-apiserver", "k8s.io/apiserver/pkg/apis/cel", "github.com/fsnotify/fsnotify",
				"sigs.k8s.io/yaml", "go.yaml.in/yaml/v3", "github.com/go-logr/logr",
			},
			why: "files are validated by the API server's own libraries, without a client and without a cluster",
		},
		{
			path: "internal/door",
			sees: []string{"./internal/authz", "google.golang.org/grpc"},
			why:  "what dialects and the server agree on stands between them, so that neither knows the other",
		},
		{
			path: "internal/wire/...",
			sees: []string{"./internal/authz", "./internal/door", "./internal/wire/ijson"},
			why:  "a dialect decodes and encodes: it decides nothing, and no dialect knows another",
		},
		{
			path: "internal/wire/cerbos/...",
			sees: []string{
				"./internal/authz", "./internal/door", "./internal/wire/ijson", "./internal/wire/proto3",
				"google.golang.org/grpc", "google.golang.org/protobuf",
			},
			why: "a dialect too; what it decodes and encodes is protocol buffers, and their JSON",
		},
		{
			path: "internal/wire/forwardauth",
			sees: []string{"./internal/authz", "./internal/door", "./internal/wire/gateway"},
			why:  "one way in which gateways ask; what they ask is the same for all",
		},
		{
			path: "internal/wire/extauthz",
			sees: []string{
				"./internal/authz", "./internal/door", "./internal/wire/gateway", "./internal/wire/proto3",
				"github.com/envoyproxy/go-control-plane/envoy", "google.golang.org/grpc", "google.golang.org/protobuf",
			},
			why: "another way; Envoy's published types are its service, and what the messages are tested against",
		},
		{
			path: "internal/wire/sar/...",
			sees: []string{
				"./internal/authz", "./internal/door", "./internal/wire/ijson",
				apimachinery, "k8s.io/api/authorization", "github.com/go-json-experiment/json",
			},
			why: "a dialect too; Kubernetes' own types read its protocol buffers, and no client comes with them",
		},
		{
			path: "internal/wire/ijson",
			why:  "what every dialect made of JSON reads it with: it knows none of them",
		},
		{
			path: "internal/wire/proto3",
			sees: []string{"google.golang.org/protobuf/encoding/protowire"},
			why:  "what dialects made of protocol buffers read them with: it knows none of them, and no reflection",
		},
		{
			path: "internal/identity/jwt",
			sees: []string{
				"./api/config", apimachinery, "./internal/door", "./internal/identity/outbound", "./internal/wire/ijson",
				"github.com/go-jose/go-jose/v4", "github.com/go-logr/logr", "golang.org/x/sync",
			},
			why: "JOSE has one door: who verifies tokens, a session's or a caller's, does it here",
		},
		{
			path: "internal/identity/claims",
			sees: []string{"./api/config", apimachinery, "./internal/expr", "./internal/identity/jwt"},
			why:  "what claims mean is said in one language, for sessions and callers alike",
		},
		{
			path: "internal/identity/session",
			sees: []string{
				"./api/config", apimachinery, "./internal/authz", "./internal/door", "./internal/expr", "./internal/identity/claims",
				"./internal/identity/jwt", "./internal/identity/outbound", "./internal/wire/ijson", "github.com/go-logr/logr", "golang.org/x/sync",
			},
			why: "tokens become subjects here, for every dialect: none of them, and no policy, knows of issuers",
		},
		{
			path: "internal/identity/outbound",
			sees: []string{"github.com/go-logr/logr"},
			why:  "calling out has one way, with TLS, deadlines and limits; what is asked is the others' business",
		},
		{
			path: "internal/server",
			sees: []string{
				"./api/config", "./internal/authz", "./internal/door", "github.com/go-logr/logr",
				"google.golang.org/grpc", "sigs.k8s.io/controller-runtime/pkg/certwatcher",
			},
			why: "listeners and limits are the same whatever is asked and whatever answers",
		},
		{
			path: "internal/certs",
			sees: kubernetes("./api/config"),
			why:  "who makes certificates knows nothing of what is served with them",
		},
		{
			path: "internal/decisionlog",
			sees: []string{
				"./api/config", "./internal/authz", "./internal/door", "./internal/wire/ijson",
				"github.com/go-logr/logr", "gopkg.in/natefinch/lumberjack.v2",
			},
			why: "what is written down of a decision is the same whatever protocol asked for it",
		},
		{
			path: "internal/identity/caller",
			sees: kubernetes("./api/config", "./internal/door", "./internal/identity/jwt", "golang.org/x/sync"),
			why:  "the API server says who calls: the one part of a check that may have to ask it",
		},
		{
			path: "internal/metrics",
			sees: []string{
				api, "./internal/authz", "./internal/door", "./internal/store",
				"github.com/prometheus/client_golang", "google.golang.org/grpc/codes",
			},
			why: "one table of all metrics; what is measured does not know Prometheus",
		},
		{
			path: "internal/config",
			sees: []string{"./internal/authz", "./api/config", apimachinery, "github.com/go-json-experiment/json", "sigs.k8s.io/yaml"},
			why:  "a file becomes a valid configuration here, and nothing else looks at it before",
		},
		{
			path: "internal/devcluster",
			sees: kubernetes("./config/crd", "k8s.io/apiextensions-apiserver", "k8s.io/apiserver", "k8s.io/component-base",
				"k8s.io/kube-openapi", "go.etcd.io/etcd", "go.opentelemetry.io/otel", "go.uber.org/zap", "google.golang.org/grpc"),
			why: "etcd and the API server are as large as the rest together: nothing of Rolecall's own may depend on them",
		},
		{
			path: "internal/conditions",
			sees: []string{api, apimachinery, "./internal/diag"},
			why:  "renders diagnostics as conditions, and judges nothing",
		},
		{
			path: "controllers/...",
			sees: kubernetes(api, "./internal/compile", "./internal/conditions", "./internal/diag", "./internal/expr", "./internal/policy", "./internal/routing"),
			why:  "status is computed by the compiler's functions and never touches the data path",
		},
		{
			path: "internal/admission",
			sees: kubernetes(api, "./internal/authz", "./internal/compile", "./internal/diag", "./internal/policy", "./internal/store"),
			why:  "what is said before an object is stored is said by the functions that make its status",
		},
		{
			path: "internal/operator",
			sees: []string{everything},
			why:  "the wiring that both commands share",
		},
		{
			path: "cmd/...",
			sees: []string{everything},
			why:  "a command wires rooms together",
		},
	}
}

func testRooms() []room {
	return []room{
		{
			path:     "internal/testkit/...",
			sees:     []string{everything},
			testOnly: true,
			why:      "builders, corpus and oracle must not weigh on what ships, nor be relied on by it",
		},
		{
			path:     "internal/devcluster/devclustertest",
			sees:     []string{everything},
			testOnly: true,
			why:      "starts an API server for a test and ends it with the test",
		},
		{
			path:     "internal/conditions/conditionstest",
			sees:     []string{everything},
			testOnly: true,
			why:      "checks what holds for the conditions of every object",
		},
		{
			path:     "internal/archtest",
			testOnly: true,
			why:      "has nothing but tests",
		},
		{
			path:     "test/...",
			sees:     []string{everything},
			testOnly: true,
			why:      "tests that need more than Go",
		},
		{
			path:     "hack/...",
			sees:     []string{everything},
			testOnly: true,
			why:      "tools of those who work on Rolecall",
		},
	}
}
