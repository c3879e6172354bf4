// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/expr"
)

const head = "apiVersion: config.rolecall.dev/v1alpha1\nkind: ServerConfiguration\n"

func defaults() *configv1alpha1.ServerConfiguration {
	return &configv1alpha1.ServerConfiguration{
		TypeMeta: metav1.TypeMeta{APIVersion: "config.rolecall.dev/v1alpha1", Kind: "ServerConfiguration"},
		HTTP:     configv1alpha1.Listener{BindAddress: "127.0.0.1:8080"},
		GRPC:     configv1alpha1.Listener{BindAddress: "127.0.0.1:9090"},
		Health:   configv1alpha1.PlainListener{BindAddress: "127.0.0.1:8081"},
		Metrics: configv1alpha1.MetricsListener{
			Listener: configv1alpha1.Listener{BindAddress: "127.0.0.1:8443"}, Anonymous: "Allow",
		},
		Limits: configv1alpha1.Limits{RequestBytes: 1 << 20, HeaderBytes: 64 << 10, Evaluations: 100, ConcurrentStreams: 1000},
		Timeouts: configv1alpha1.Timeouts{
			ReadHeader:    metav1.Duration{Duration: 5 * time.Second},
			Read:          metav1.Duration{Duration: 10 * time.Second},
			Write:         metav1.Duration{Duration: 20 * time.Second},
			Idle:          metav1.Duration{Duration: 2 * time.Minute},
			ConnectionAge: metav1.Duration{Duration: 10 * time.Minute},
			Drain:         metav1.Duration{Duration: 15 * time.Second},
		},
		LeaderElection: configv1alpha1.LeaderElection{Enabled: new(true), Name: "rolecall.rolecall.dev"},
		Cerbos:         configv1alpha1.Cerbos{MaxActionsPerResource: 50, MaxResourcesPerRequest: 50},
		AuthZEN: configv1alpha1.AuthZEN{Search: configv1alpha1.Search{
			Results: 1000, Candidates: 100_000, Concurrent: max(1, runtime.GOMAXPROCS(0)/2), Timeout: metav1.Duration{Duration: 5 * time.Second},
		}},
		Log: configv1alpha1.Log{Level: "info", Format: "text"},
		KubernetesWebhook: configv1alpha1.KubernetesWebhook{
			NamespaceScopePrefix: new("namespace:"), ServiceAccountType: "service_account",
		},
	}
}

func TestDecode(t *testing.T) {
	tests := map[string]struct {
		text string
		want func(*configv1alpha1.ServerConfiguration)
	}{
		"a file with nothing but its kind is all defaults": {
			text: head, want: func(*configv1alpha1.ServerConfiguration) {},
		},
		"what is set stays, beside the defaults": {
			text: head + `
http: {bindAddress: ":80", tls: {certFile: a.crt, keyFile: a.key}}
defaultNamespace: shop
namespaces: [shop, office]
limits: {evaluations: 7}
timeouts: {shutdownDelay: 5s}
leaderElection: {enabled: false, namespace: rolecall-system}
maxSnapshotAge: 10m
log: {level: debug, format: json}
`,
			want: func(c *configv1alpha1.ServerConfiguration) {
				c.HTTP = configv1alpha1.Listener{
					BindAddress: ":80", TLS: &configv1alpha1.TLS{CertFile: "a.crt", KeyFile: "a.key"},
				}
				c.DefaultNamespace, c.Namespaces = "shop", []string{"shop", "office"}
				c.Limits.Evaluations = 7
				c.Timeouts.ShutdownDelay.Duration = 5 * time.Second
				c.LeaderElection.Enabled, c.LeaderElection.Namespace = new(false), "rolecall-system"
				c.MaxSnapshotAge.Duration = 10 * time.Minute
				c.Log = configv1alpha1.Log{Level: "debug", Format: "json"}
			},
		},
		"JSON is YAML": {
			text: `{"apiVersion": "config.rolecall.dev/v1alpha1", "kind": "ServerConfiguration", "defaultNamespace": "a"}`,
			want: func(c *configv1alpha1.ServerConfiguration) { c.DefaultNamespace = "a" },
		},
		"comments and separators around the document do not count": {
			text: "# ours\n---\n" + head + "---\n# the end\n", want: func(*configv1alpha1.ServerConfiguration) {},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			want := defaults()
			tt.want(want)
			got, err := config.Decode([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("configuration (-want +got):\n%s", diff)
			}
			config.Default(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("defaults that are filled in twice (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	tests := map[string]struct {
		text string
		want []string
	}{
		"an unknown field":                     {text: head + "http: {bindAdress: ':80'}", want: []string{"http.bindAdress: unknown field"}},
		"a field that differs in case":         {text: head + "HTTP: {}", want: []string{"HTTP: unknown field"}},
		"a repeated field":                     {text: head + "log: {level: info, level: debug}", want: []string{`"level"`, "already"}},
		"a string for an object":               {text: head + "health: ':80'", want: []string{"health: ", "want an object"}},
		"a string for a number":                {text: head + "limits: {evaluations: many}", want: []string{"limits.evaluations: ", "want a whole number"}},
		"a duration without a unit":            {text: head + "timeouts: {read: '10'}", want: []string{"timeouts.read: ", "missing unit"}},
		"a number for a duration":              {text: head + "timeouts: {read: 10}", want: []string{"timeouts.read: "}},
		"a negative duration":                  {text: head + "maxSnapshotAge: -1s", want: []string{`maxSnapshotAge: Invalid value: "-1s"`}},
		"another version":                      {text: "apiVersion: v1\nkind: ConfigMap", want: []string{`"v1"`, `"ConfigMap"`, `"ServerConfiguration"`}},
		"no document":                          {text: "# nothing\n", want: []string{"0 YAML documents"}},
		"two documents":                        {text: head + "---\n" + head, want: []string{"2 YAML documents"}},
		"an address without a port":            {text: head + "http: {bindAddress: localhost}", want: []string{"http.bindAddress", "localhost", "host:port"}},
		"a port that is no number":             {text: head + "health: {bindAddress: ':http'}", want: []string{"health.bindAddress", "0 to 65535"}},
		"two listeners at one address":         {text: head + "metrics: {bindAddress: '127.0.0.1:8080'}", want: []string{"metrics.bindAddress", "http too"}},
		"the port of one for the other":        {text: head + "grpc: {bindAddress: '127.0.0.1:8081'}", want: []string{"health.bindAddress", "grpc too"}},
		"too many actions for Cerbos":          {text: head + "cerbos: {maxActionsPerResource: 1001}", want: []string{"cerbos.maxActionsPerResource", "1 to 1000"}},
		"too many resources for Cerbos":        {text: head + "cerbos: {maxResourcesPerRequest: -1}", want: []string{"cerbos.maxResourcesPerRequest", "1 to 1000"}},
		"no stream at all":                     {text: head + "limits: {concurrentStreams: -1}", want: []string{"limits.concurrentStreams", "1 to 100000"}},
		"TLS without a certificate":            {text: head + "http: {tls: {keyFile: a.key}}", want: []string{"http.tls.certFile: Required"}},
		"TLS without a key":                    {text: head + "metrics: {tls: {certFile: a.crt}}", want: []string{"metrics.tls.keyFile: Required"}},
		"a namespace that cannot exist":        {text: head + "namespaces: [Shop]", want: []string{"namespaces[0]", "Shop"}},
		"a namespace twice":                    {text: head + "namespaces: [a, a]", want: []string{"namespaces[1]: Duplicate"}},
		"a default namespace that nobody sees": {text: head + "namespaces: [a]\ndefaultNamespace: b", want: []string{"defaultNamespace", `"b"`}},
		"a project without an id":              {text: head + "stytch: {projects: [{namespace: a}]}", want: []string{"stytch.projects[0].id", "must be the project's id"}},
		"a project that no one could name":     {text: head + "stytch: {projects: [{id: 'a:b', namespace: a}]}", want: []string{"stytch.projects[0].id", "has no colon"}},
		"a project twice":                      {text: head + "stytch: {projects: [{id: x, namespace: a}, {id: x, namespace: b}]}", want: []string{"stytch.projects[1].id: Duplicate"}},
		"a project that nobody sees":           {text: head + "namespaces: [a]\nstytch: {projects: [{id: x, namespace: b}]}", want: []string{"stytch.projects[0].namespace", "add it there"}},
		"organizations that make no scopes":    {text: head + "stytch: {projects: [{id: x, namespace: a, scopePrefix: /}]}", want: []string{"stytch.projects[0].scopePrefix", "must make a scope"}},
		"an application without an id":         {text: head + "yorAuth: {applications: [{namespace: a}]}", want: []string{"yorAuth.applications[0].id: Required"}},
		"an application twice":                 {text: head + "yorAuth: {applications: [{id: x, namespace: a}, {id: x, namespace: b}]}", want: []string{"yorAuth.applications[1].id: Duplicate"}},
		"an application that nobody sees":      {text: head + "namespaces: [a]\nyorAuth: {applications: [{id: x, namespace: b}]}", want: []string{"yorAuth.applications[0].namespace", "add it there"}},
		"too many results":                     {text: head + "authZEN: {search: {results: 10001}}", want: []string{"authZEN.search.results", "1 to 10000"}},
		"too many candidates":                  {text: head + "authZEN: {search: {candidates: 1000001}}", want: []string{"authZEN.search.candidates", "1 to 1000000"}},
		"no search at all":                     {text: head + "authZEN: {search: {concurrent: -1}}", want: []string{"authZEN.search.concurrent", "1 to 1000"}},
		"no time to search":                    {text: head + "authZEN: {search: {timeout: -1s}}", want: []string{"authZEN.search.timeout", "negative"}},
		"a limit that is too high":             {text: head + "limits: {requestBytes: 2097152}", want: []string{"limits.requestBytes", "1024 to 1048576"}},
		"a level that does not exist":          {text: head + "log: {level: trace}", want: []string{"log.level: Unsupported value", `"debug"`}},
		"a format that does not exist":         {text: head + "log: {format: xml}", want: []string{"log.format: Unsupported value", `"json"`}},
		"a lease's name that cannot exist":     {text: head + "leaderElection: {name: A_B}", want: []string{"leaderElection.name"}},
		"a lease's namespace that cannot":      {text: head + "leaderElection: {namespace: A_B}", want: []string{"leaderElection.namespace"}},
		"every fault at once":                  {text: head + "log: {level: x, format: z}", want: []string{"log.level", "log.format"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := config.Decode([]byte(tt.text))
			if err == nil {
				t.Fatal("it was taken")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
}

// TestMaxRequestBytes: what may be configured is what conditions reckon with.
func TestMaxRequestBytes(t *testing.T) {
	if config.MaxRequestBytes != expr.MaxRequestBytes {
		t.Errorf("up to %d bytes may be configured, conditions reckon with %d", config.MaxRequestBytes, expr.MaxRequestBytes)
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rolecall.yaml")
	if _, err := config.Load(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v does not name the missing file", err)
	}
	if err := os.WriteFile(path, []byte(head+"x: 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := config.Load(path); err == nil || !strings.Contains(err.Error(), path+": x: unknown field") {
		t.Errorf("error %v does not name the file and the field", err)
	}
	if err := os.WriteFile(path, []byte(head), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(defaults(), got); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
}
