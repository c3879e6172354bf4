// SPDX-License-Identifier: Apache-2.0

package sar_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/served"
)

// policy says something to every part of a review.
const policy = `
apiVersion: rolecall.dev/v1alpha1
kind: Resource
metadata: {name: pods}
spec: {actions: [{name: get}, {name: list}, {name: create}, {name: delete}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: Resource
metadata: {name: pods-log}
spec: {type: pods/log, actions: [{name: get}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: Resource
metadata: {name: deployments.apps}
spec: {actions: [{name: get}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: Resource
metadata: {name: deployments-scale}
spec: {type: deployments.apps/scale, actions: [{name: update}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: Resource
metadata: {name: nodes}
spec: {actions: [{name: list}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: Resource
metadata: {name: paths}
spec: {type: nonResourceURLs, actions: [{name: get}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: Resource
metadata: {name: secrets}
spec: {actions: [{name: get}, {name: list}], scoping: Required}
---
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: viewer}
spec:
  permissions:
  - {resource: pods, actions: [get, list]}
  - {resource: pods/log, actions: [get]}
  - {resource: deployments.apps, actions: [get]}
---
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: scaler}
spec: {permissions: [{resource: "*/scale", actions: ["*"]}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: all}
spec: {permissions: [{resource: "*", actions: ["*"]}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: prober}
spec: {permissions: [{resource: nonResourceURLs, actions: [get], condition: 'resource.id.startsWith("/metrics")'}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: own-pods}
spec:
  permissions:
  - resource: pods
    actions: [list]
    condition: >-
      context.resourceAttributes.labelSelector.requirements.exists(r,
        r.key == "owner" && r.operator == "In" && r.values == [context.user])
  - {resource: pods, actions: [delete], condition: 'context.extra["example.com/ticket"].size() > 0'}
---
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: no-prod}
spec:
  permissions:
  - {effect: Deny, resource: pods, actions: [delete], condition: 'context.resourceAttributes.namespace == "prod"'}
  - {effect: Deny, resource: pods, actions: [create], condition: context.resourceAttributes.nothing == ""}
---
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: team}
spec: {roles: [viewer], subjects: [{type: user, id: jane}, {type: group, id: team-a}], scope: "namespace:team-a"}
---
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: scalers}
spec: {roles: [scaler], subjects: [{type: service_account, id: "system:serviceaccount:ops:scaler"}], scope: "*"}
---
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: admin}
spec: {roles: [all], subjects: [{type: user, id: root}], scope: "*"}
---
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: one-pod}
spec: {roles: [viewer], subjects: [{type: user, id: guest}], scope: "namespace:team-a", resources: [{type: pods, id: web-0}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: everyone}
spec: {roles: [prober, own-pods, no-prod], subjects: [{type: user, id: "*"}], scope: "*"}
---
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: for-a-month}
spec:
  roles: [viewer]
  subjects: [{type: user, id: temp}]
  scope: "*"
  notBefore: 2026-01-01T00:00:00Z
  notAfter: 2026-02-01T00:00:00Z
`

const path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"

// start serves the policy and returns its base URL.
func start(tb testing.TB, configuration string) string {
	tb.Helper()
	return startAt(tb, configuration, testkit.Now)
}

func startAt(tb testing.TB, configuration string, now func() time.Time) string {
	tb.Helper()
	return "http://" + served.Start(tb, served.Options{Manifests: policy, Now: now, Configuration: configuration}).HTTP
}

// review is the body of a review of v1.
func review(spec string) string {
	return `{"kind":"SubjectAccessReview","apiVersion":"authorization.k8s.io/v1","metadata":{"creationTimestamp":null},"spec":` +
		spec + `,"status":{"allowed":false}}`
}

// resource is the spec of a review about pods or what else fields say.
func resource(user, verb, fields string) string {
	return fmt.Sprintf(`{"resourceAttributes":{"verb":%q,%s},"user":%q,"groups":["system:authenticated"]}`, verb, fields, user)
}

// answer is what a review comes back as.
type answer struct {
	Kind       string
	APIVersion string
	Status     struct {
		Allowed, Denied         bool
		Reason, EvaluationError string
	}
}

func ask(tb testing.TB, url, body string) answer {
	tb.Helper()
	var got answer
	a := served.Post(tb, url, body)
	if a.Status != http.StatusCreated || a.Header.Get("Content-Type") != "application/json" {
		tb.Errorf("answer %d as %q", a.Status, a.Header.Get("Content-Type"))
	}
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil {
		tb.Fatalf("answer %d %q: %v", a.Status, a.Body, err)
	}
	return got
}

// opinion is what an API server makes of an answer, and why.
func (a answer) opinion() string {
	name := "no opinion"
	switch s := a.Status; {
	case s.Allowed && s.Denied:
		name = "both"
	case s.Allowed:
		name = "allowed"
	case s.Denied:
		name = "denied"
	}
	if a.Status.EvaluationError != "" {
		name += " after an error"
	}
	return name + ", " + strings.TrimPrefix(a.Status.Reason, "Rolecall: ")
}

func TestReviews(t *testing.T) {
	url := start(t, "") + path
	const teamA, pods = `"namespace":"team-a","version":"v1"`, `"resource":"pods","namespace":"team-a","version":"v1"`
	for name, tt := range map[string]struct{ spec, want string }{
		"a user":                                {resource("jane", "get", pods), "allowed, Granted: viewer"},
		"a stranger":                            {resource("joe", "get", pods), "no opinion, NoPermission"},
		"a group":                               {`{"resourceAttributes":{"verb":"get",` + pods + `},"user":"joe","groups":["x","team-a"]}`, "allowed, Granted: viewer"},
		"another namespace":                     {resource("jane", "get", `"resource":"pods","namespace":"team-b"`), "no opinion, NoPermission"},
		"a namespace that begins alike":         {resource("jane", "get", `"resource":"pods","namespace":"team-a2"`), "no opinion, NoPermission"},
		"a namespace within it, as it seems":    {resource("jane", "get", `"resource":"pods","namespace":"team-a/x"`), "no opinion, NoPermission"},
		"all namespaces":                        {resource("jane", "list", `"resource":"pods"`), "no opinion, ConditionFalse"},
		"a verb that is not bound":              {resource("jane", "create", `"resource":"deployments","group":"apps",`+teamA), "no opinion, UnknownAction"},
		"another group's pods":                  {resource("jane", "get", `"group":"metrics.k8s.io",`+pods), "no opinion, UnknownResource"},
		"an API group":                          {resource("jane", "get", `"resource":"deployments","group":"apps",`+teamA), "allowed, Granted: viewer"},
		"a core resource that is named alike":   {resource("jane", "get", `"resource":"deployments.apps",`+teamA), "no opinion, UnknownResource"},
		"a subresource":                         {resource("jane", "get", `"subresource":"log",`+pods), "allowed, Granted: viewer"},
		"another subresource":                   {resource("jane", "get", `"subresource":"exec",`+pods), "no opinion, UnknownResource"},
		"a resource that is named as one":       {resource("jane", "get", `"resource":"pods/log",`+teamA), "no opinion, UnknownResource"},
		"a service account, and a pattern":      {resource("system:serviceaccount:ops:scaler", "update", `"resource":"deployments","group":"apps","subresource":"scale","namespace":"x"`), "allowed, Granted: scaler"},
		"a service account is no user":          {resource("system:serviceaccount:ops:other", "delete", `"resource":"pods","namespace":"prod"`), "no opinion, NoRole"},
		"a node is none":                        {resource("system:node:a", "delete", `"resource":"pods","namespace":"prod"`), "no opinion, NoRole"},
		"nor who is not known":                  {resource("system:anonymous", "delete", `"resource":"pods","namespace":"prod"`), "no opinion, NoRole"},
		"whatever its name":                     {`{"resourceAttributes":{"verb":"get",` + pods + `},"user":"jane","groups":["system:unauthenticated"]}`, "no opinion, NoRole"},
		"no namespace there is":                 {resource("root", "list", `"resource":"nodes"`), "allowed, Granted: all"},
		"a scope that is required":              {resource("root", "list", `"resource":"secrets"`), "no opinion, ScopeRequired"},
		"all verbs":                             {resource("root", "*", `"resource":"pods"`), "no opinion, UnknownAction"},
		"all resources":                         {resource("root", "get", `"resource":"*"`), "no opinion, UnknownResource"},
		"all resources of all groups":           {resource("root", "*", `"resource":"*","group":"*"`), "no opinion, UnknownResource"},
		"a path":                                {`{"nonResourceAttributes":{"path":"/metrics/cadvisor","verb":"get"},"user":"joe"}`, "allowed, Granted: prober"},
		"another path":                          {`{"nonResourceAttributes":{"path":"/logs","verb":"get"},"user":"joe"}`, "no opinion, ConditionFalse"},
		"an object whose type is that of paths": {resource("joe", "get", `"resource":"nonResourceURLs","name":"/metrics"`), "no opinion, UnknownResource"},
		"an instance":                           {resource("guest", "get", `"name":"web-0",`+pods), "allowed, Granted: viewer"},
		"another instance":                      {resource("guest", "get", `"name":"web-1",`+pods), "no opinion, NoPermission"},
		"one in another namespace":              {resource("guest", "get", `"name":"web-0","resource":"pods","namespace":"team-b"`), "no opinion, NoPermission"},
		"no one instance":                       {resource("guest", "get", pods), "no opinion, NoPermission"},
		"a selector": {
			resource("joe", "list", pods+`,"labelSelector":{"requirements":[{"key":"app","operator":"Exists"},{"key":"owner","operator":"In","values":["joe"]}]}`),
			"allowed, Granted: own-pods",
		},
		"another's selector": {
			resource("joe", "list", pods+`,"labelSelector":{"requirements":[{"key":"owner","operator":"In","values":["jane"]}]}`),
			"no opinion, ConditionFalse",
		},
		"a wider selector": {
			resource("joe", "list", pods+`,"labelSelector":{"requirements":[{"key":"owner","operator":"In","values":["joe","jane"]}]}`),
			"no opinion, ConditionFalse",
		},
		"a selector in its raw form only": {resource("joe", "list", pods+`,"labelSelector":{"rawSelector":"owner=joe"}`), "no opinion, ConditionFalse"},
		"no selector":                     {resource("joe", "list", pods), "no opinion, ConditionFalse"},
		"extra": {
			`{"resourceAttributes":{"verb":"delete",` + pods + `},"user":"joe","extra":{"example.com/ticket":["T-1"]}}`, "allowed, Granted: own-pods",
		},
		"no extra":                         {resource("joe", "delete", pods), "no opinion after an error, ConditionError"},
		"a Deny":                           {resource("root", "delete", `"resource":"pods","namespace":"prod"`), "denied, ExplicitDeny: no-prod"},
		"a Deny whose condition fails":     {resource("root", "create", pods), "denied after an error, DenyError: no-prod"},
		"fields that are new and unknown":  {`{"conditionalAuthorization":{"enabled":true},"resourceAttributes":{"verb":"get","zone":{"a":[1]},` + pods + `},"user":"jane"}`, "allowed, Granted: viewer"},
		"members that only look like ours": {`{"User":"jane","Groups":["team-a"],"resourceAttributes":{"verb":"get",` + pods + `},"user":"joe"}`, "no opinion, NoPermission"},
		"null is absent":                   {`{"nonResourceAttributes":null,"groups":null,"extra":null,"uid":null,"resourceAttributes":{"name":null,"fieldSelector":null,"verb":"get",` + pods + `},"user":"jane"}`, "allowed, Granted: viewer"},
		"a group of v1beta1":               {`{"resourceAttributes":{"verb":"get",` + pods + `},"user":"joe","group":["team-a"]}`, "no opinion, NoPermission"},
	} {
		t.Run(name, func(t *testing.T) {
			got := ask(t, url, review(tt.spec))
			if got.Kind != "SubjectAccessReview" || got.APIVersion != "authorization.k8s.io/v1" {
				t.Errorf("answer is a %s of %s", got.Kind, got.APIVersion)
			}
			if diff := cmp.Diff(tt.want, got.opinion()); diff != "" {
				t.Errorf("opinion (-want +got):\n%s", diff)
			}
		})
	}
}

// TestVersions: either endpoint answers in the version that it is asked in,
// wherever that stands.
func TestVersions(t *testing.T) {
	base := start(t, "")
	const attributes = `"resourceAttributes":{"verb":"get","resource":"pods","namespace":"team-a"},"user":"joe"`
	for _, at := range []string{path, strings.Replace(path, "v1", "v1beta1", 1), "/ns/default" + path} {
		for body, want := range map[string]string{
			`{"spec":{` + attributes + `,"group":["team-a"],"groups":["x"]},"kind":"SubjectAccessReview","apiVersion":"authorization.k8s.io/v1beta1"}`: "authorization.k8s.io/v1beta1 allowed, Granted: viewer",
			`{"kind":"SubjectAccessReview","apiVersion":"authorization.k8s.io/v1beta1","spec":{` + attributes + `,"groups":["team-a"]}}`:               "authorization.k8s.io/v1beta1 no opinion, NoPermission",
			`{"spec":{` + attributes + `,"groups":["team-a"],"group":["x"]},"kind":"SubjectAccessReview","apiVersion":"authorization.k8s.io/v1"}`:      "authorization.k8s.io/v1 allowed, Granted: viewer",
		} {
			got := ask(t, base+at, body)
			if text := got.APIVersion + " " + got.opinion(); text != want {
				t.Errorf("%s: %s: %s, want %s", at, body, text, want)
			}
		}
	}
}

// TestTime: a binding counts when it is valid, and no longer.
func TestTime(t *testing.T) {
	end := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	var left atomic.Int64
	left.Store(1)
	url := startAt(t, "", func() time.Time { return end.Add(-time.Duration(left.Load())) }) + path
	body := review(resource("temp", "get", `"resource":"pods","namespace":"x"`))
	if got := ask(t, url, body).opinion(); got != "allowed, Granted: viewer" {
		t.Errorf("before the end: %s", got)
	}
	left.Store(0)
	if got := ask(t, url, body).opinion(); got != "no opinion, NoPermission" {
		t.Errorf("at the end: %s", got)
	}
}

// TestConfiguration: what namespaces and service accounts are is up to the
// configuration.
func TestConfiguration(t *testing.T) {
	url := start(t, "kubernetesWebhook: {namespaceScopePrefix: '', clusterScope: 'namespace:team-a', serviceAccountType: user}") + path
	for spec, want := range map[string]string{
		resource("jane", "list", `"resource":"pods"`):                                                        "allowed, Granted: viewer",
		resource("jane", "get", `"resource":"pods","namespace":"anything"`):                                  "allowed, Granted: viewer",
		resource("system:serviceaccount:a:b", "delete", `"resource":"pods","namespace":"prod"`):              "denied, ExplicitDeny: no-prod",
		`{"nonResourceAttributes":{"path":"/metrics","verb":"get"},"user":"system:serviceaccount:a:b"}`:      "allowed, Granted: prober",
		`{"nonResourceAttributes":{"path":"/metrics","verb":"get"},"user":"system:kube-controller-manager"}`: "no opinion, NoRole",
	} {
		if got := ask(t, url, review(spec)).opinion(); got != want {
			t.Errorf("%s: %s, want %s", spec, got, want)
		}
	}
}
