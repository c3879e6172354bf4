// SPDX-License-Identifier: Apache-2.0

package kube_test

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/config/crd"
	"github.com/rolecall/rolecall/internal/devcluster"
	"github.com/rolecall/rolecall/internal/devcluster/devclustertest"
	"github.com/rolecall/rolecall/internal/source/kube"
	"github.com/rolecall/rolecall/internal/store"
	"github.com/rolecall/rolecall/internal/testkit/logs"
)

func present(t *testing.T, s *tape, want ...string) {
	t.Helper()
	until(t, func() string { return cmp.Diff(append([]string{}, want...), s.names()) })
}

func TestWatch(t *testing.T) {
	cfg, ns := devclustertest.Start(t), devclustertest.Namespace(t)
	c, elsewhere := newClient(t, cfg), ns+"-elsewhere"
	create(t, c, document(ns), reader(ns), reader(elsewhere))
	s := newTape()
	watching(t, cfg, s, kube.Options{Namespaces: []string{ns}, Logger: logs.New(t)})

	// The first list has what is there, of the namespace alone.
	untilAtLeast(t, s, listed, len(store.Kinds()))
	present(t, s, "Resource document", "Role reader")
	untilAtLeast(t, s, touched, 1)

	// Then come the changes.
	create(t, c, readers(ns), document(elsewhere))
	present(t, s, "Resource document", "Role reader", "RoleBinding readers")
	edit(t, c, readers(ns), `{"spec": {"scope": "org:acme"}}`)
	until(t, func() string {
		b, ok := s.object("readers").(*v1alpha1.RoleBinding)
		if !ok || b.Spec.Scope != "org:acme" {
			return fmt.Sprintf("the binding is %v, want scope org:acme", b)
		}
		return ""
	})
	remove(t, c, reader(ns))
	present(t, s, "Resource document", "RoleBinding readers")
}

// TestSeveralNamespaces: each namespace of a list has a watch of its own.
func TestSeveralNamespaces(t *testing.T) {
	cfg, ns := devclustertest.Start(t), devclustertest.Namespace(t)
	c := newClient(t, cfg)
	create(t, c, document(ns+"-a"), reader(ns+"-b"), readers(ns+"-c"))
	s := newTape()
	watching(t, cfg, s, kube.Options{Namespaces: []string{ns + "-a", ns + "-b"}, Logger: logs.New(t)})
	untilAtLeast(t, s, listed, 2*len(store.Kinds()))
	present(t, s, "Resource document", "Role reader")
}

// TestPages: a list that is longer than a page is whole, and no answer is larger
// than a page.
func TestPages(t *testing.T) {
	cfg, ns := devclustertest.Start(t), devclustertest.Namespace(t)
	want := createMany(t, newClient(t, cfg), ns, 2100)
	asked := &queries{}
	cfg = rest.CopyConfig(cfg)
	cfg.Wrap(asked.note)
	s := newTape()
	watching(t, cfg, s, kube.Options{Namespaces: []string{ns}, Logger: logs.New(t)})
	untilAtLeast(t, s, listed, len(store.Kinds()))
	present(t, s, want...)
	pages := 0
	for _, q := range asked.of("roles") {
		if q.Has("sendInitialEvents") {
			t.Errorf("a stream was asked for: %v", q)
		}
		if q.Has("watch") {
			continue
		}
		pages++
		if q.Get("limit") != "2000" {
			t.Errorf("a list without the limit: %v", q)
		}
	}
	if pages != 2 {
		t.Errorf("2100 Roles came in %d pages, want 2", pages)
	}
}

// TestStrip: what no policy is made of is not handed on, and what is, is.
func TestStrip(t *testing.T) {
	cfg, ns := devclustertest.Start(t), devclustertest.Namespace(t)
	c := newClient(t, cfg)
	r := reader(ns)
	r.Labels, r.Annotations = map[string]string{"team": "docs"}, map[string]string{"note": "long"}
	create(t, c, r)
	r.Status.Bindings = 3
	if err := c.Status().Update(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	want := r.DeepCopy()
	want.ManagedFields, want.Labels, want.Annotations, want.Status = nil, nil, nil, v1alpha1.RoleStatus{}
	want.TypeMeta = metav1.TypeMeta{}

	s := newTape()
	watching(t, cfg, s, kube.Options{Namespaces: []string{ns}, Logger: logs.New(t)})
	untilAtLeast(t, s, listed, len(store.Kinds()))
	got, ok := s.object("reader").(*v1alpha1.Role)
	if !ok {
		t.Fatal("the Role was not handed on")
	}
	got.TypeMeta = metav1.TypeMeta{}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what was handed on (-want +got):\n%s", diff)
	}
}

// TestUnusableConfiguration is the one thing that Run returns an error for.
func TestUnusableConfiguration(t *testing.T) {
	err := kube.Run(t.Context(), &rest.Config{Host: "://"}, newTape(), kube.Options{Logger: logs.New(t)})
	if err == nil {
		t.Error("Run with an impossible host returned no error")
	}
}

// TestDefinitionsLater: definitions that are not installed are waited for, with
// a line for each that says what to do.
func TestDefinitionsLater(t *testing.T) {
	cluster := bareCluster(t)
	var log diary
	s := newTape()
	watching(t, cluster.Config(), s, kube.Options{Logger: log.logger()})
	names := []string{"resources.rolecall.dev", "roles.rolecall.dev", "rolebindings.rolecall.dev", "groups.rolecall.dev"}
	for _, name := range names {
		until(t, func() string {
			for _, line := range log.with("kubectl apply -f config/crd/bases") {
				if strings.Contains(line, `"`+name+`"`) {
					return ""
				}
			}
			return "nobody was told that " + name + " is missing"
		})
	}
	if n := s.count(listed); n != 0 {
		t.Errorf("%d partitions were listed without definitions", n)
	}

	if err := devcluster.InstallCRDs(t.Context(), cluster.Config(), crd.FS); err != nil {
		t.Fatal(err)
	}
	untilAtLeast(t, s, listed, len(names))
	create(t, newClient(t, cluster.Config()), document("default"))
	present(t, s, "Resource document")
	if n := len(log.with("kubectl apply")); n != len(names) {
		t.Errorf("people were told %d times within seconds, want once a definition", n)
	}
}

// TestServerAway: what changed while the server could not be reached is seen
// when it is back, also what is gone; people are told once.
func TestServerAway(t *testing.T) {
	dir := t.TempDir()
	first, stop := startCluster(t, dir, 0)
	c := newClient(t, first.Config())
	create(t, c, document("default"), reader("default"))
	var log diary
	s := newTape()
	watching(t, first.Config(), s, kube.Options{Logger: log.logger()})
	untilAtLeast(t, s, listed, len(store.Kinds()))
	stop()
	until(t, func() string {
		if len(log.with("lost contact")) == 0 {
			return "nobody was told that the server is away"
		}
		return ""
	})
	present(t, s, "Resource document", "Role reader")

	// While the watch knows nothing of it: another server on the same state
	// changes things and forgets the history.
	behind, stop := startCluster(t, dir, 0)
	c = newClient(t, behind.Config())
	remove(t, c, reader("default"))
	create(t, c, readers("default"))
	stop()

	startCluster(t, dir, port(t, first))
	present(t, s, "Resource document", "RoleBinding readers")
	until(t, func() string {
		if len(log.with("in contact with the API server again")) == 0 {
			return "nobody was told that the server is back"
		}
		return ""
	})
	// The new server does not know the version that the watch had reached.
	untilAtLeast(t, s, func(s *tape) int { return s.lists[store.Partition{Kind: store.KindRole}] }, 2)
	if lines := log.with("lost contact"); len(lines) != 1 {
		t.Errorf("people were told %d times of one outage: %q", len(lines), lines)
	}
}

func bareCluster(t *testing.T) *devcluster.Cluster {
	t.Helper()
	cluster, _ := runCluster(t, "", 0)
	return cluster
}

// startCluster starts a server with the definitions on a state of the test's.
func startCluster(t *testing.T, dir string, port int) (*devcluster.Cluster, func()) {
	t.Helper()
	cluster, stop := runCluster(t, dir, port)
	if err := devcluster.InstallCRDs(t.Context(), cluster.Config(), crd.FS); err != nil {
		t.Fatal(err)
	}
	return cluster, stop
}

func runCluster(t *testing.T, dir string, port int) (*devcluster.Cluster, func()) {
	t.Helper()
	state, err := devcluster.OpenState(dir)
	if err != nil {
		t.Fatal(err)
	}
	// It must outlive the test's context, which ends before its cleanups.
	cluster, err := devcluster.Start(context.WithoutCancel(t.Context()), devcluster.Options{State: state, Port: port})
	if err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		if err := cluster.Stop(); err != nil {
			t.Errorf("stop the API server: %v", err)
		}
		if err := state.Close(); err != nil {
			t.Errorf("close its state: %v", err)
		}
	}
	t.Cleanup(stop)
	return cluster, stop
}

func port(t *testing.T, cluster *devcluster.Cluster) int {
	t.Helper()
	u, err := url.Parse(cluster.Config().Host)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	return n
}
