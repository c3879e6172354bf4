// SPDX-License-Identifier: Apache-2.0

package yorauth_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/served"
)

// policy is the vendor's quick example, its scoped roles and an attribute rule.
const policy = `
apiVersion: rolecall.dev/v1alpha1
kind: Resource
metadata: {name: posts}
spec: {actions: [{name: create}, {name: update}, {name: delete}, {name: read}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: Resource
metadata: {name: reports}
spec: {actions: [{name: export}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: editor}
spec:
  permissions:
  - {resource: posts, actions: [create, update]}
  - {resource: posts, actions: [delete], condition: 'resource.properties.owner == subject.id && context.hour < 18.0'}
---
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: exporter}
spec: {permissions: [{resource: reports, actions: [export]}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: editors}
spec: {roles: [editor], subjects: [{type: user, id: user-123}], scope: "*"}
---
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: exporters}
spec: {roles: [exporter], subjects: [{type: user, id: user-123}], scope: "org:acme-corp"}
`

// start serves manifests as the application a-1, and returns its URL.
func start(t *testing.T, manifests string) string {
	t.Helper()
	at := served.Start(t, served.Options{
		Manifests: manifests, Now: testkit.Now,
		Configuration: "yorAuth: {applications: [{id: a-1, namespace: default}]}",
	})
	return "http://" + at.HTTP + "/api/v1/applications/a-1"
}

func decode(t *testing.T, a served.Answer) map[string]any {
	t.Helper()
	if got := a.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q, want application/json", got)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil {
		t.Fatalf("answer %d %q: %v", a.Status, a.Body, err)
	}
	return got
}

func TestCheck(t *testing.T) {
	url := start(t, policy) + "/authz/check"
	roles := func(ids ...any) []any { return append([]any{}, ids...) }
	for name, tt := range map[string]struct {
		body string
		want map[string]any
	}{
		"the vendor's example": {
			`{"user_id": "user-123", "permission": "posts:create"}`,
			map[string]any{"allowed": true, "permission": "posts:create", "cached": false, "reason": "Granted", "roles": roles("editor")},
		},
		"somebody else": {
			`{"user_id": "user-9", "permission": "posts:create"}`,
			map[string]any{"allowed": false, "permission": "posts:create", "cached": false, "reason": "NoRole", "roles": roles()},
		},
		"a role of a scope, in it": {
			`{"user_id": "user-123", "permission": "reports:export", "scope": "org:acme-corp"}`,
			map[string]any{"allowed": true, "permission": "reports:export", "cached": false, "reason": "Granted", "roles": roles("exporter")},
		},
		"a role of a scope, without one": {
			`{"user_id": "user-123", "permission": "reports:export"}`,
			map[string]any{"allowed": false, "permission": "reports:export", "cached": false, "reason": "NoPermission", "roles": roles()},
		},
		"a role of everywhere, in a scope": {
			`{"user_id": "user-123", "permission": "posts:update", "scope": "org:globex"}`,
			map[string]any{"allowed": true, "permission": "posts:update", "cached": false, "reason": "Granted", "roles": roles("editor")},
		},
		"attributes that satisfy the rule": {
			`{"user_id": "user-123", "permission": "posts:delete", "resource": {"owner": "user-123"}, "context": {"hour": 9}}`,
			map[string]any{
				"allowed": true, "permission": "posts:delete", "cached": false, "abac_evaluated": true, "reason": "Granted", "roles": roles("editor"),
			},
		},
		"attributes that do not": {
			`{"user_id": "user-123", "permission": "posts:delete", "resource": {"owner": "user-9"}, "context": {"hour": 9}}`,
			map[string]any{
				"allowed": false, "permission": "posts:delete", "cached": false, "abac_evaluated": true, "reason": "ConditionFalse", "roles": roles(),
			},
		},
		"a rule is never skipped for want of attributes": {
			`{"user_id": "user-123", "permission": "posts:delete"}`,
			map[string]any{"allowed": false, "permission": "posts:delete", "cached": false, "reason": "ConditionError", "roles": roles()},
		},
		"what nobody declares": {
			`{"user_id": "user-123", "permission": "posts:publish"}`,
			map[string]any{"allowed": false, "permission": "posts:publish", "cached": false, "reason": "UnknownAction", "roles": roles()},
		},
		"members that have no meaning here": {
			`{"user_id": "user-123", "permission": "posts:create", "trace": [1, {"a": null}]}`,
			map[string]any{"allowed": true, "permission": "posts:create", "cached": false, "reason": "Granted", "roles": roles("editor")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := served.Post(t, url, tt.body)
			if diff := cmp.Diff(tt.want, decode(t, a)); a.Status != http.StatusOK || diff != "" {
				t.Errorf("status %d (-want +got):\n%s", a.Status, diff)
			}
		})
	}
}

func TestCheckByQuery(t *testing.T) {
	url := start(t, policy) + "/authz/check"
	a := served.Get(t, url+"?user_id=user-123&permission=reports:export&scope=org:acme-corp")
	if got := decode(t, a); a.Status != http.StatusOK || got["allowed"] != true {
		t.Errorf("answer %d %s, want allowed", a.Status, a.Body)
	}
	a = served.Get(t, url+"?user_id=user-123&user_id=user-9&permission=posts:create")
	refusal(t, a, http.StatusBadRequest, "VALIDATION_INVALID_FORMAT", "user_id: stands in the query 2 times")
}

// TestWildcards is the vendor's table: what a role holds, what is asked.
func TestWildcards(t *testing.T) {
	const vocabulary = `
apiVersion: rolecall.dev/v1alpha1
kind: Resource
metadata: {name: posts}
spec: {actions: [{name: create}, {name: delete}, {name: read}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: Resource
metadata: {name: users}
spec: {actions: [{name: read}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: Resource
metadata: {name: reports}
spec: {actions: [{name: export}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: "%d"}
spec: {permissions: [{resource: "%r", actions: ["%a"]}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: u}
spec: {roles: ["%d"], subjects: [{type: user, id: u}], scope: "*"}
`
	for held, asked := range map[string]map[string]bool{
		"posts:create": {"posts:create": true, "posts:delete": false, "posts:*": false, "*:create": true},
		"posts:*":      {"posts:create": true, "posts:delete": true, "users:read": false, "posts:*": true, "*:*": false},
		"*:read":       {"posts:read": true, "users:read": true, "posts:delete": false, "*:read": true, "users:*": true},
		"*:*":          {"posts:delete": true, "reports:export": true, "*:*": true, "*:publish": false, "invoices:*": false},
	} {
		t.Run(held, func(t *testing.T) {
			resource, action, _ := strings.Cut(held, ":")
			url := start(t, strings.NewReplacer("%d", "held", "%r", resource, "%a", action).Replace(vocabulary))
			for permission, want := range asked {
				a := served.Post(t, url+"/authz/check", `{"user_id": "u", "permission": "`+permission+`"}`)
				if got := decode(t, a); got["allowed"] != want {
					t.Errorf("%s is asked: answer %d %s, want %v", permission, a.Status, a.Body, want)
				}
			}
		})
	}
}

func TestBulk(t *testing.T) {
	url := start(t, policy) + "/authz/check-bulk"
	a := served.Post(t, url, `{"user_id": "user-123", "permissions": ["posts:create", "reports:export", "posts:create", "x:y"]}`)
	want := `{"user_id":"user-123","results":{"posts:create":true,"reports:export":false,"x:y":false}}` + "\n"
	if a.Status != http.StatusOK || a.Body != want {
		t.Errorf("answer %d %s, want %s", a.Status, a.Body, want)
	}
	a = served.Post(t, url, `{"user_id": "user-123", "permissions": ["reports:export"], "scope": "org:acme-corp"}`)
	if want := `{"user_id":"user-123","results":{"reports:export":true}}` + "\n"; a.Body != want {
		t.Errorf("in a scope: answer %d %s, want %s", a.Status, a.Body, want)
	}
}

// TestLists: what a user may do and why, and where.
func TestLists(t *testing.T) {
	url := start(t, policy) + "/users/"
	for path, want := range map[string]string{
		"user-123/permissions": `{"data":{"user_id":"user-123","scope":null,"permissions":["posts:create","posts:update"],"roles":["editor"]}}`,
		"user-123/permissions?scope=org:acme-corp": `{"data":{"user_id":"user-123","scope":"org:acme-corp",` +
			`"permissions":["posts:create","posts:update","reports:export"],"roles":["editor","exporter"]}}`,
		"user-9/permissions": `{"data":{"user_id":"user-9","scope":null,"permissions":[],"roles":[]}}`,
		"user-123/roles?scope=org:acme-corp": `{"data":[{"user_id":"user-123","role_id":"editor","scope":null,"conditional":false},` +
			`{"user_id":"user-123","role_id":"exporter","scope":"org:acme-corp","conditional":false}],` +
			`"meta":{"current_page":1,"last_page":1,"total":2},"links":{"first":null,"last":null,"prev":null,"next":null}}`,
	} {
		if a := served.Get(t, url+path); a.Status != http.StatusOK || a.Body != want+"\n" {
			t.Errorf("%s: answer %d %s, want %s", path, a.Status, a.Body, want)
		}
	}
	refusal(t, served.Get(t, url+"user-1/roles?scope=a&scope=b"), http.StatusBadRequest, "VALIDATION_INVALID_FORMAT", "scope: stands in the query 2 times")
	refusal(t, served.Get(t, url+"*/permissions"), http.StatusBadRequest, "VALIDATION_INVALID_FORMAT", `user_id "*" is a wildcard`)
}

// TestRefusals: whatever is wrong, the answer is the vendor's envelope.
func TestRefusals(t *testing.T) {
	applications := strings.TrimSuffix(start(t, policy), "a-1")
	many := strings.Repeat(`"posts:read",`, 50) + `"posts:read"`
	for name, tt := range map[string]struct {
		path, body string
		status     int
		code       string
		says       string
	}{
		"a permission without an action": {
			"a-1/authz/check", `{"user_id": "u", "permission": "posts"}`, 400, "VALIDATION_INVALID_FORMAT", `permission: "posts" is not a permission`,
		},
		"a permission with two colons": {
			"a-1/authz/check", `{"user_id": "u", "permission": "a:b:c"}`, 400, "VALIDATION_INVALID_FORMAT", `"a:b:c" is not a permission`,
		},
		"a wildcard within a name": {
			"a-1/authz/check", `{"user_id": "u", "permission": "post*:create"}`, 400, "VALIDATION_INVALID_FORMAT", `"post*:create" is not a permission`,
		},
		"no permission":           {"a-1/authz/check", `{"user_id": "u"}`, 400, "VALIDATION_INVALID_FORMAT", `permission: "" is not a permission`},
		"no user":                 {"a-1/authz/check", `{"permission": "posts:read"}`, 400, "VALIDATION_INVALID_FORMAT", "user_id: is required"},
		"every user":              {"a-1/authz/check", `{"user_id": "*", "permission": "posts:read"}`, 400, "VALIDATION_INVALID_FORMAT", `user_id "*" is a wildcard`},
		"a user that is a number": {"a-1/authz/check", `{"user_id": 7, "permission": "posts:read"}`, 400, "VALIDATION_INVALID_FORMAT", "user_id: must be a string"},
		"a malformed scope": {
			"a-1/authz/check", `{"user_id": "u", "permission": "posts:read", "scope": "a//b"}`, 400, "VALIDATION_INVALID_FORMAT", `scope "a//b"`,
		},
		"a resource that is no object": {
			"a-1/authz/check", `{"user_id": "u", "permission": "posts:read", "resource": "x"}`, 400, "VALIDATION_INVALID_FORMAT", "resource: must be an object",
		},
		"no JSON":             {"a-1/authz/check", `user_id=u`, 400, "VALIDATION_INVALID_FORMAT", "the body"},
		"a member twice":      {"a-1/authz/check", `{"user_id": "u", "user_id": "v"}`, 400, "VALIDATION_INVALID_FORMAT", "user_id"},
		"no permissions":      {"a-1/authz/check-bulk", `{"user_id": "u", "permissions": []}`, 400, "VALIDATION_INVALID_FORMAT", "permissions: is required"},
		"51 permissions":      {"a-1/authz/check-bulk", `{"user_id": "u", "permissions": [` + many + `]}`, 400, "BULK_CHECK_LIMIT_EXCEEDED", "holds 51, and at most 50"},
		"one bad of two":      {"a-1/authz/check-bulk", `{"user_id": "u", "permissions": ["a:b", "c"]}`, 400, "VALIDATION_INVALID_FORMAT", `permissions[1]: "c"`},
		"another application": {"a-2/authz/check", `{"user_id": "u", "permission": "posts:read"}`, 404, "NOT_FOUND", `the application "a-2"`},
	} {
		t.Run(name, func(t *testing.T) {
			refusal(t, served.Post(t, applications+tt.path, tt.body), tt.status, tt.code, tt.says)
		})
	}
}

func refusal(t *testing.T, a served.Answer, status int, code, says string) {
	t.Helper()
	var got struct {
		Error struct {
			Code, Message string
			Details       map[string]any
			RequestID     string    `json:"request_id"`
			Timestamp     time.Time `json:"timestamp"`
			Documentation string    `json:"documentation_url"`
		} `json:"error"`
	}
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil {
		t.Fatalf("answer %d %q: %v", a.Status, a.Body, err)
	}
	e := got.Error
	if a.Status != status || e.Code != code || !strings.Contains(e.Message, says) {
		t.Errorf("answer %d %s, want %d %s %q", a.Status, a.Body, status, code, says)
	}
	if e.Details == nil || e.RequestID != a.Header.Get("X-Request-Id") || !e.Timestamp.Equal(testkit.Now()) || e.Documentation == "" {
		t.Errorf("the envelope lacks something: %s", a.Body)
	}
}
