// SPDX-License-Identifier: Apache-2.0

package kube_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/devcluster/devclustertest"
	"github.com/rolecall/rolecall/internal/source/kube"
	"github.com/rolecall/rolecall/internal/store"
)

func TestMain(m *testing.M) { devclustertest.Main(m) }

// patience is how long a test waits for what should happen soon.
const patience = 60 * time.Second

// tape is a sink that shows what came. It keeps the objects that are there as a
// store would, so that a change that was never said is seen.
type tape struct {
	mu      sync.Mutex
	present map[string]metav1.Object // by kind and name
	lists   map[store.Partition]int
	puts    int
	touches int
}

func newTape() *tape {
	return &tape{present: map[string]metav1.Object{}, lists: map[store.Partition]int{}}
}

func (s *tape) Put(o metav1.Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.puts++
	s.present[key(o)] = o
}

func (s *tape) Delete(kind store.Kind, namespace, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.present, string(kind)+" "+namespace+"/"+name)
}

func (s *tape) Replace(lists ...store.List) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range lists {
		s.lists[l.Partition]++
		for k := range s.present {
			if strings.HasPrefix(k, string(l.Kind)+" "+l.Namespace) {
				delete(s.present, k)
			}
		}
		for _, o := range l.Objects {
			s.present[key(o)] = o
		}
	}
}

func (s *tape) Touch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.touches++
}

func key(o metav1.Object) string {
	kind := ""
	switch o.(type) {
	case *v1alpha1.Resource:
		kind = "Resource"
	case *v1alpha1.Role:
		kind = "Role"
	case *v1alpha1.RoleBinding:
		kind = "RoleBinding"
	case *v1alpha1.Group:
		kind = "Group"
	}
	return kind + " " + o.GetNamespace() + "/" + o.GetName()
}

// names returns what is present, sorted, as kind and name.
func (s *tape) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := []string{}
	for k := range s.present {
		kind, path, _ := strings.Cut(k, " ")
		_, name, _ := strings.Cut(path, "/")
		names = append(names, kind+" "+name)
	}
	slices.Sort(names)
	return names
}

func (s *tape) object(name string) metav1.Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, o := range s.present {
		if strings.HasSuffix(k, "/"+name) {
			return o
		}
	}
	return nil
}

// count reads one of the tape's numbers.
func (s *tape) count(of func(*tape) int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return of(s)
}

func listed(s *tape) int { return len(s.lists) }

func touched(s *tape) int { return s.touches }

// watching starts a source that ends with the test.
func watching(t *testing.T, cfg *rest.Config, sink kube.Sink, opts kube.Options) {
	t.Helper()
	opts.Now = time.Now
	watchingBy(t, cfg, sink, opts)
}

// watchingBy is watching by a clock of the test's own.
func watchingBy(t *testing.T, cfg *rest.Config, sink kube.Sink, opts kube.Options) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- kube.Run(ctx, cfg, sink, opts) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("watch: %v", err)
		}
	})
}

// diary keeps log lines.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) logger() logr.Logger {
	return funcr.New(func(_, args string) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.lines = append(d.lines, args)
	}, funcr.Options{})
}

// with returns the lines that contain a text.
func (d *diary) with(text string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var found []string
	for _, l := range d.lines {
		if strings.Contains(l, text) {
			found = append(found, l)
		}
	}
	return found
}

func newClient(t *testing.T, cfg *rest.Config) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	// Discovery is asked later, so the definitions need not be there yet.
	c, err := client.New(cfg, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func create(t *testing.T, c client.Client, objects ...client.Object) {
	t.Helper()
	for _, o := range objects {
		if err := c.Create(t.Context(), o); err != nil {
			t.Fatalf("create %s: %v", o.GetName(), err)
		}
	}
}

func remove(t *testing.T, c client.Client, o client.Object) {
	t.Helper()
	if err := c.Delete(t.Context(), o); err != nil {
		t.Fatalf("delete %s: %v", o.GetName(), err)
	}
}

func edit(t *testing.T, c client.Client, o client.Object, patch string) {
	t.Helper()
	if err := c.Patch(t.Context(), o, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
		t.Fatalf("edit %s: %v", o.GetName(), err)
	}
}

// until waits until fault returns nothing, or fails with what it last returned.
func until(t *testing.T, fault func() string) {
	t.Helper()
	last := ""
	err := wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, patience, true, func(context.Context) (bool, error) {
		last = fault()
		return last == "", nil
	})
	if err != nil {
		t.Fatalf("after %s: %s", patience, last)
	}
}

// untilAtLeast waits until one of the tape's numbers is as great as wanted.
func untilAtLeast(t *testing.T, s *tape, of func(*tape) int, want int) {
	t.Helper()
	until(t, func() string {
		if got := s.count(of); got < want {
			return fmt.Sprintf("got %d, want at least %d", got, want)
		}
		return ""
	})
}

func meta(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}

func document(namespace string) *v1alpha1.Resource {
	return &v1alpha1.Resource{ObjectMeta: meta(namespace, "document"), Spec: v1alpha1.ResourceSpec{
		Actions: []v1alpha1.ResourceAction{{Name: "read"}},
	}}
}

func reader(namespace string) *v1alpha1.Role {
	return &v1alpha1.Role{ObjectMeta: meta(namespace, "reader"), Spec: v1alpha1.RoleSpec{
		Permissions: []v1alpha1.Permission{{Resource: "document", Actions: []v1alpha1.Pattern{"read"}}},
	}}
}

func readers(namespace string) *v1alpha1.RoleBinding {
	return &v1alpha1.RoleBinding{ObjectMeta: meta(namespace, "readers"), Spec: v1alpha1.RoleBindingSpec{
		Roles: []v1alpha1.ID{"reader"}, Subjects: []v1alpha1.Subject{{Type: "user", ID: "ann"}}, Scope: "*",
	}}
}

// createMany creates Roles, several at once, and returns their names.
func createMany(t *testing.T, c client.Client, ns string, n int) []string {
	t.Helper()
	names := make([]string, n)
	var creators errgroup.Group
	creators.SetLimit(8)
	for i := range n {
		r := reader(ns)
		r.Name = fmt.Sprintf("reader-%05d", i)
		names[i] = "Role " + r.Name
		creators.Go(func() error { return c.Create(t.Context(), r) })
	}
	if err := creators.Wait(); err != nil {
		t.Fatal(err)
	}
	return names
}

// queries notes what is asked of a server.
type queries struct {
	mu   sync.Mutex
	urls []*url.URL
}

// note is for rest.Config.Wrap.
func (q *queries) note(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		q.mu.Lock()
		q.urls = append(q.urls, r.URL)
		q.mu.Unlock()
		return next.RoundTrip(r)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// of returns the queries about a resource, such as roles.
func (q *queries) of(resource string) []url.Values {
	q.mu.Lock()
	defer q.mu.Unlock()
	var found []url.Values
	for _, u := range q.urls {
		if path.Base(u.Path) == resource {
			found = append(found, u.Query())
		}
	}
	return found
}
