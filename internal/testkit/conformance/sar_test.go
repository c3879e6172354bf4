// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	authorizationv1 "k8s.io/api/authorization/v1"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/metrics"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/decide"
	"github.com/rolecall/rolecall/internal/wire/sar"
)

// TestKubernetesWebhook puts the cases that an API server can say to the door for
// reviews: decisions, reasons and roles are those of every door.
func TestKubernetesWebhook(t *testing.T) {
	t.Parallel()
	compiler := compile.New(decide.Env(t))
	asked := 0
	for _, c := range decide.Cases(t) {
		provider := fixed{decide.Snapshot(compiler, c.Objects)}
		t.Run(c.Name, func(t *testing.T) {
			for _, check := range c.Checks {
				if review, clusterScope := reviewOf(&check.Request); review != nil && check.Want.Error == "" {
					asked++
					t.Run(check.Name, func(t *testing.T) { verifyReview(t, provider, check, review, clusterScope) })
				}
			}
		})
	}
	if asked < 250 {
		t.Errorf("only %d checks of the corpus could be asked", asked)
	}
}

func verifyReview(
	t *testing.T, provider authz.Provider, check testkit.Check, review *authorizationv1.SubjectAccessReview, clusterScope string,
) {
	counters, err := metrics.New(sar.Name)
	if err != nil {
		t.Fatal(err)
	}
	clock := &clock{}
	clock.set(check.Request.Time)
	routes := sar.Routes(sar.Options{
		Asker:      door.Asker{Gate: door.Anyone{}, Provider: provider, Now: clock.read, Meter: counters.Door(sar.Name)},
		Namespaces: door.Namespaces{Default: check.Request.Namespace},
		Mapping:    sar.Mapping{ClusterScope: clusterScope, ServiceAccountType: "service_account"},
	})
	body, err := json.Marshal(review)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, routes[0].Path, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	if err := routes[0].Serve(w, r); err != nil {
		t.Fatal(err)
	}
	var got authorizationv1.SubjectAccessReview
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := authorizationv1.SubjectAccessReviewStatus{
		Allowed: check.Want.Decision,
		Denied:  check.Want.Reason == "ExplicitDeny" || check.Want.Reason == "DenyError",
		Reason:  "Rolecall: " + check.Want.Reason,
	}
	if len(check.Want.Roles) > 0 {
		want.Reason += ": " + strings.Join(check.Want.Roles, ", ")
	}
	got.Status.EvaluationError = ""
	if diff := cmp.Diff(want, got.Status); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
}

// kubernetesType takes a type apart as kubectl spells it.
var kubernetesType = regexp.MustCompile(`^([a-z0-9_-]+)(?:\.([a-z0-9_.-]+))?(?:/([A-Za-z0-9_.-]+))?$`)

// reviewOf is a request as an API server would put it, and the scope of the cluster
// that it would be; nil if it cannot be put.
func reviewOf(r *authz.Request) (review *authorizationv1.SubjectAccessReview, clusterScope string) {
	s, kind := &r.Subject, kubernetesType.FindStringSubmatch(r.Resource.Type)
	if s.Type != "user" || s.SessionScope != "" || s.Email != "" || kind == nil || strings.Contains(r.Scope, "%") ||
		len(s.Roles)+len(s.SSOConnections)+len(s.SSOGroups)+len(s.Properties) > 0 ||
		len(r.Context)+len(r.Action.Properties)+len(r.Resource.Properties)+len(r.Resource.Captured)+len(s.Captured)+len(r.Claims) > 0 {
		return nil, ""
	}
	namespace := r.Scope
	if i := strings.LastIndexByte(r.Scope, '/'); i >= 0 {
		clusterScope, namespace = r.Scope[:i], r.Scope[i+1:]
	}
	review = &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: s.ID, Groups: s.Groups,
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: namespace, Verb: r.Action.Name, Name: r.Resource.ID,
			Resource: kind[1], Group: kind[2], Subresource: kind[3],
		},
	}}
	review.Kind, review.APIVersion = "SubjectAccessReview", sar.V1
	return review, clusterScope
}
