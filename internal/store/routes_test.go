// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/store"
)

// routed is a Resource with one action and a route to it.
func routed(name, typ, path string, generation int64) *v1alpha1.Resource {
	r := &v1alpha1.Resource{ObjectMeta: meta(name)}
	r.Generation = generation
	r.Spec.Type, r.Spec.Actions = v1alpha1.ID(typ), []v1alpha1.ResourceAction{{Name: "read"}}
	if path != "" {
		r.Spec.Routes = []v1alpha1.ResourceRoute{{Method: "GET", Path: path, Action: "read"}}
	}
	return r
}

// route says what GET of a path means.
func route(t *testing.T, s *store.Store, path string) string {
	t.Helper()
	c, err := s.Checker()
	if err != nil {
		t.Fatal(err)
	}
	var m authz.RouteMatch
	if err := c.(authz.Router).Route("app", &authz.HTTPRequest{Method: "GET", Path: path}, &m); err != nil {
		t.Fatal(err)
	}
	if m.Outcome != authz.RouteFound {
		return m.Outcome.String()
	}
	return m.Type
}

// TestRoutesFollowTheObjects: routes, conflicts between them and who owns a type
// are those of the objects that there are, after every change.
func TestRoutesFollowTheObjects(t *testing.T) {
	s, published := start(t, nil)
	want := func(step, meaning string, conflicts int) {
		t.Helper()
		info := <-published
		if got := route(t, s, "/a/1"); got != meaning {
			t.Errorf("%s: /a/1 means %q, want %q", step, got, meaning)
		}
		if got := info.Faults[v1alpha1.ReasonRouteConflict]; got != conflicts {
			t.Errorf("%s: %d conflicts, want %d", step, got, conflicts)
		}
	}
	s.Replace(lists()...)
	want("nothing", "NoRoute", 0)
	s.Put(routed("alpha", "", "/a/{id}", 1))
	want("a route", "alpha", 0)
	s.Put(routed("beta", "", "/a/{id}", 1))
	want("another route for the same", "RouteContested", 2)
	s.Put(routed("beta", "", "/{x}/1", 2))
	want("a route for some of the same", "RouteContested", 2)
	s.Put(routed("gamma", "", "/a/1", 1))
	want("a route for what both want", "gamma", 0)
	s.Delete(store.KindResource, "app", "gamma")
	want("it goes", "RouteContested", 2)
	s.Put(routed("beta", "", "/b/{id}", 3))
	want("the routes differ", "alpha", 0)

	older := routed("older", "alpha", "", 1)
	older.UID, older.CreationTimestamp = types.UID("uid-older"), metav1.Time{}
	young := routed("alpha", "", "/a/{id}", 2)
	young.CreationTimestamp = metav1.Time{Time: time.Unix(1, 0)}
	s.Put(young)
	want("created anew", "alpha", 0)
	s.Put(older)
	want("another object owns the type", "RouteContested", 0)
	s.Delete(store.KindResource, "app", "older")
	want("it goes", "alpha", 0)
	s.Delete(store.KindResource, "app", "alpha")
	want("the route goes", "NoRoute", 0)
	s.Delete(store.KindResource, "app", "beta")
	want("everything goes", "NoRoute", 0)
}

// TestRoutesOfANamespaceThatIsNotServed are an error.
func TestRoutesOfANamespaceThatIsNotServed(t *testing.T) {
	s, published := start(t, func(o *store.Options) { o.Namespaces = []string{"app"} })
	s.Replace(store.List{Partition: store.Partition{Kind: store.KindResource, Namespace: "app"}})
	for _, p := range store.Partitions([]string{"app"}) {
		s.Replace(store.List{Partition: p})
	}
	<-published
	c, err := s.Checker()
	if err != nil {
		t.Fatal(err)
	}
	m := authz.RouteMatch{Outcome: authz.RouteFound, Type: "left", Captures: []authz.Capture{{Name: "over"}}}
	if err := c.(authz.Router).Route("other", &authz.HTTPRequest{Method: "GET", Path: "/"}, &m); err == nil || m.Outcome != authz.RouteNone || len(m.Captures) > 0 {
		t.Errorf("%+v, %v; want an error and nothing", m, err)
	}
}
