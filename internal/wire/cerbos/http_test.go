// SPDX-License-Identifier: Apache-2.0

package cerbos_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/testkit/served"
)

const path = "/api/check/resources"

// request is one that is answered, with the parts of it that tests change.
func request(principal, resources, more string) string {
	return fmt.Sprintf(`{"requestId":"test","principal":%s,"resources":[%s]%s}`, principal, resources, more)
}

const (
	john  = `{"id":"john","policyVersion":"20210210","scope":"elsewhere","roles":["employee"],"attr":{"department":"marketing"}}`
	entry = `{"actions":["view:public","approve","create"],"resource":{"kind":"leave_request","id":"XX125","attr":{"owner":"john"}}}`
)

// TestCheckResources: what is asked, and the whole answer.
func TestCheckResources(t *testing.T) {
	at := start(t, manifests)
	const allow, deny = "EFFECT_ALLOW", "EFFECT_DENY"
	one := func(resource, actions object, meta ...object) []any {
		r := object{"resource": resource, "actions": actions}
		if len(meta) > 0 {
			all := object{}
			for action, policy := range meta[0] {
				all[action] = object{"matchedPolicy": policy}
			}
			r["meta"] = object{"actions": all}
		}
		return []any{r}
	}
	leave := object{"id": "XX125", "kind": "leave_request"}
	tests := map[string]struct {
		body string
		want []any
	}{
		"effects and nothing else": {
			request(john, entry, ""),
			one(leave, object{"view:public": allow, "approve": deny, "create": allow}),
		},
		"names in snake case": {
			`{"request_id":"test","include_meta":false,"principal":{"id":"john","policy_version":"","roles":["employee"]},` +
				`"resources":[{"actions":["approve"],"resource":{"kind":"leave_request","policy_version":"default","id":"XX125"}}],"aux_data":null}`,
			one(object{"id": "XX125", "kind": "leave_request", "policyVersion": "default"}, object{"approve": deny}),
		},
		"what decided": {
			request(`{"id":"boss","roles":["intern","employee"]}`,
				`{"actions":["view:public","approve","dance"],"resource":{"kind":"leave_request","id":"XX125","scope":"acme.hr"}}`, `,"includeMeta":true`),
			one(object{"id": "XX125", "kind": "leave_request", "scope": "acme.hr"},
				object{"view:public": allow, "approve": allow, "dance": deny},
				object{
					"view:public": "role.employee.vdefault,role.intern.vdefault,role.manager.vdefault",
					"approve":     "role.manager.vdefault", "dance": "resource.leave_request.vdefault",
				}),
		},
		"a role of which one says that it may be asserted, and one that does not": {
			request(`{"id":"mallory","roles":["manager","employee"]}`,
				`{"actions":["approve","view:public"],"resource":{"kind":"leave_request","id":"XX125"}}`, ""),
			one(leave, object{"approve": deny, "view:public": allow}),
		},
		"a deny of one role, and an allow of another: the deny holds": {
			request(`{"id":"jane","roles":["ex_employee","employee"]}`,
				`{"actions":["view:public"],"resource":{"kind":"leave_request","id":"XX125"}}`, `,"includeMeta":true`),
			one(leave, object{"view:public": deny}, object{"view:public": "role.ex_employee.vdefault"}),
		},
		"attr gives no authority": {
			request(`{"id":"jane","roles":["none"],"attr":{"roles":["employee"],"groups":["g"],"email":"a@b"}}`,
				`{"actions":["view:public"],"resource":{"kind":"leave_request","id":"XX125"}}`, ""),
			one(leave, object{"view:public": deny}),
		},
		"another version of the policy": {
			request(john, `{"actions":["view:public"],"resource":{"kind":"leave_request","id":"XX125","policyVersion":"20210210"}}`, `,"includeMeta":true`),
			one(object{"id": "XX125", "kind": "leave_request", "policyVersion": "20210210"},
				object{"view:public": deny}, object{"view:public": "NO_MATCH"}),
		},
		"a kind that is not declared": {
			request(john, `{"actions":["read"],"resource":{"kind":"album:object","id":"1"}}`, `,"includeMeta":true`),
			one(object{"id": "1", "kind": "album:object"}, object{"read": deny}, object{"read": "NO_MATCH"}),
		},
		"the root scope is none": {
			request(`{"id":"boss","roles":["employee"]}`, `{"actions":["read"],"resource":{"kind":"ledger","id":"1","scope":"."}}`, ""),
			one(object{"id": "1", "kind": "ledger", "scope": "."}, object{"read": deny}),
		},
		"a scope that is not above another": {
			request(`{"id":"boss","roles":["employee"]}`, `{"actions":["read"],"resource":{"kind":"ledger","id":"1","scope":"acme2"}}`, ""),
			one(object{"id": "1", "kind": "ledger", "scope": "acme2"}, object{"read": deny}),
		},
		"what is said for an audit log changes nothing": {
			request(john, `{"actions":["approve"],"resource":{"kind":"leave_request","id":"XX125"}}`, `,"requestContext":{"annotations":{"k":["v"]}}`),
			one(leave, object{"approve": deny}),
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := served.Post(t, "http://"+at.HTTP+path, tt.body)
			got := decode(t, a)
			if a.Status != http.StatusOK || got["requestId"] != "test" || len(fmt.Sprint(got["cerbosCallId"])) != 26 {
				t.Fatalf("answer %d %s", a.Status, a.Body)
			}
			if diff := cmp.Diff(tt.want, got["results"]); diff != "" {
				t.Errorf("results (-want +got):\n%s", diff)
			}
		})
	}
}

// TestManyResources: results are in the order of the request, and each has the
// attributes of its own resource alone.
func TestManyResources(t *testing.T) {
	at := start(t, manifests)
	var entries []string
	for i := range 50 {
		entries = append(entries, fmt.Sprintf(`{"actions":["create"],"resource":{"kind":"leave_request","id":"%d","attr":{"owner":"%s"}}}`,
			i, []string{"john", "jane"}[i%2]))
	}
	first := decode(t, served.Post(t, "http://"+at.HTTP+path, request(john, strings.Join(entries, ","), "")))
	results, _ := first["results"].([]any)
	if len(results) != 50 {
		t.Fatalf("%d results, want 50", len(results))
	}
	for i, r := range results {
		want := object{
			"resource": object{"id": fmt.Sprint(i), "kind": "leave_request"},
			"actions":  object{"create": []string{"EFFECT_ALLOW", "EFFECT_DENY"}[i%2]},
		}
		if diff := cmp.Diff(any(want), r); diff != "" {
			t.Errorf("result %d (-want +got):\n%s", i, diff)
		}
	}
	if again := decode(t, served.Post(t, "http://"+at.HTTP+path, request(john, entry, ""))); again["cerbosCallId"] == first["cerbosCallId"] {
		t.Errorf("two calls have the id %v", again["cerbosCallId"])
	}
}

// refusals are requests that are no requests, and what the message must say.
func refusals() map[string]struct{ body, want string } {
	const secret = "eyJhbGciOiJub25lIn0"
	with := func(resource string) string { return request(john, `{"actions":["a"],"resource":`+resource+`}`, "") }
	return map[string]struct{ body, want string }{
		"no body":                    {"", "the body is empty"},
		"no JSON":                    {"{", "the body is not JSON: byte 1"},
		"more than JSON":             {"{} {}", "the body is not JSON: byte 3"},
		"no object":                  {"[]", "the body must be an object"},
		"an unknown field":           {request(john, entry, `,"verbose":true`), "verbose: is not a field"},
		"an unknown field inside":    {request(`{"id":"a","roles":["b"],"groups":["admins"]}`, entry, ""), "principal.groups: is not a field"},
		"a field twice":              {request(john, entry, `,"request_id":"x"`), "request_id: is there twice"},
		"an attribute twice":         {request(`{"id":"a","roles":["b"],"attr":{"x":1,"x":2}}`, entry, ""), "principal.attr.x: is there twice"},
		"a number for a string":      {request(`{"id":7,"roles":["b"]}`, entry, ""), "principal.id: must be a string"},
		"a token in the wrong place": {request(john, entry, `,"auxData":{"jwt":"`+secret+`"}`), "auxData.jwt: must be an object"},
		"no principal":               {`{"resources":[` + entry + `]}`, "principal: is required"},
		"no id of the principal":     {request(`{"roles":["a"]}`, entry, ""), "principal.id: is required"},
		"a wildcard for it":          {request(`{"id":"*","roles":["a"]}`, entry, ""), `principal.id "*" is a wildcard`},
		"no role":                    {request(`{"id":"a"}`, entry, ""), "principal.roles: is required"},
		"an empty role":              {request(`{"id":"a","roles":["b",""]}`, entry, ""), "principal.roles[1]: is required"},
		"a role twice":               {request(`{"id":"a","roles":["b","b"]}`, entry, ""), `principal.roles[1]: "b" is there before`},
		"a version of its policy":    {request(`{"id":"a","roles":["b"],"policyVersion":"1.0"}`, entry, ""), `principal.policyVersion: "1.0"`},
		"a scope of its policy":      {request(`{"id":"a","roles":["b"],"scope":"a/b"}`, entry, ""), `principal.scope: "a/b"`},
		"no resource":                {request(john, "", ""), "resources: is required"},
		"nothing to do":              {request(john, `{"resource":{"kind":"a","id":"b"}}`, ""), "resources[0].actions: is required"},
		"an empty action":            {request(john, `{"actions":[""],"resource":{"kind":"a","id":"b"}}`, ""), "resources[0].actions[0]: is required"},
		"an action twice":            {request(john, entry+`,{"actions":["a","a"],"resource":{"kind":"a","id":"b"}}`, ""), `resources[1].actions[1]: "a" is there before`},
		"an entry without resource":  {request(john, `{"actions":["a"]}`, ""), "resources[0].resource: is required"},
		"no kind":                    {with(`{"id":"b"}`), "resources[0].resource.kind: is required"},
		"no id":                      {with(`{"kind":"a"}`), "resources[0].resource.id: is required"},
		"a version":                  {with(`{"kind":"a","id":"b","policyVersion":"v 1"}`), `resources[0].resource.policyVersion: "v 1"`},
		"a scope":                    {with(`{"kind":"a","id":"b","scope":"a..b"}`), `resources[0].resource.scope: "a..b"`},
		"a scope that ends early":    {with(`{"kind":"a","id":"b","scope":"a."}`), `resources[0].resource.scope: "a."`},
		"a deep attribute":           {with(`{"kind":"a","id":"b","attr":{"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}}`), "objects and arrays deeper than 64"},
		"a deep one of the principal": {
			request(`{"id":"a","roles":["b"],"attr":{"x":`+strings.Repeat(`{"y":`, 70)+"1"+strings.Repeat("}", 70)+`}}`, entry, ""),
			"objects and arrays deeper than 64",
		},
		"too many actions": {
			request(john, `{"actions":["a","b","c","d"],"resource":{"kind":"a","id":"b"}}`, ""),
			"resources[0].actions: 4 actions exceed the configured limit (3)",
		},
		"too many resources": {request(john, entry+","+entry+","+entry, ""), "resources: 3 resources in one request exceed the configured limit (2)"},
		"many tokens":        {request(john, entry, `,"auxData":{"jwts":{"a":{"token":"`+secret+`"}}}`), "auxData.jwts: is not served"},
		"an empty token":     {request(john, entry, `,"auxData":{"jwt":{}}`), "auxData.jwt.token: is required"},
		"a token that nobody can verify": {
			request(john, entry, `,"auxData":{"jwt":{"token":"`+secret+`"}}`),
			"auxData.jwt",
		},
	}
}

// few are limits that a test reaches.
const few = "cerbos: {maxActionsPerResource: 3, maxResourcesPerRequest: 2}"

func TestRefusals(t *testing.T) {
	at := start(t, manifests, few)
	for name, tt := range refusals() {
		t.Run(name, func(t *testing.T) {
			refused(t, served.Post(t, "http://"+at.HTTP+path, tt.body), http.StatusBadRequest, 3, tt.want)
		})
	}
}

// refused checks that an answer is an error as Cerbos' clients read it, and holds
// no token.
func refused(t *testing.T, a served.Answer, status, code int, want string) {
	t.Helper()
	got := decode(t, a)
	message, _ := got["message"].(string)
	if a.Status != status || got["code"] != float64(code) || !strings.Contains(message, want) || len(got) != 2 {
		t.Errorf("answer %d %s, want %d with code %d and %q", a.Status, a.Body, status, code, want)
	}
	if strings.Contains(a.Body, "eyJ") {
		t.Errorf("the answer holds a token: %s", a.Body)
	}
}

func TestOtherAnswers(t *testing.T) {
	at := start(t, manifests, "limits: {requestBytes: 2048}")
	url := "http://" + at.HTTP
	t.Run("a namespace in the path", func(t *testing.T) {
		if a := served.Post(t, url+"/ns/default"+path, request(john, entry, "")); a.Status != http.StatusOK {
			t.Errorf("answer %d %s", a.Status, a.Body)
		}
	})
	t.Run("a body that says it is text", func(t *testing.T) {
		a := served.Post(t, url+path, request(john, entry, ""), "Content-Type", "text/plain;charset=UTF-8")
		if a.Status != http.StatusOK {
			t.Errorf("answer %d %s", a.Status, a.Body)
		}
	})
	t.Run("indented", func(t *testing.T) {
		a := served.Post(t, url+path+"?pretty", request(john, entry, ""))
		if decode(t, a); !strings.Contains(a.Body, "\n  \"results\":") {
			t.Errorf("the answer is not indented:\n%s", a.Body)
		}
	})
	t.Run("server info", func(t *testing.T) {
		for _, prefix := range []string{"", "/ns/default"} {
			a := served.Get(t, url+prefix+"/api/server_info")
			if got := decode(t, a); a.Status != http.StatusOK || got["version"] != a.Header.Get("cerbos-version") {
				t.Errorf("answer %d %s, header %v", a.Status, a.Body, a.Header)
			}
		}
	})
	t.Run("health", func(t *testing.T) {
		for _, query := range []string{"", "?service=cerbos.svc.v1.CerbosService"} {
			a := served.Get(t, url+"/_cerbos/health"+query)
			if got := decode(t, a); a.Status != http.StatusOK || got["status"] != "SERVING" {
				t.Errorf("answer %d %s", a.Status, a.Body)
			}
		}
		refused(t, served.Get(t, url+"/_cerbos/health?service=cerbos.svc.v1.CerbosAdminService"), http.StatusNotFound, 5, "unknown service")
	})
	t.Run("a body that is too long", func(t *testing.T) {
		refused(t, served.Post(t, url+path, strings.Repeat(" ", 4096)), http.StatusRequestEntityTooLarge, 8, "2048 bytes")
	})
	t.Run("a method", func(t *testing.T) {
		refused(t, served.Get(t, url+path), http.StatusMethodNotAllowed, 12, "use POST")
	})
	for endpoint, method := range map[string]string{
		"/api/plan/resources": "PlanResources", "/api/check": "CheckResourceSet", "/api/check_resource_batch": "CheckResourceBatch",
	} {
		t.Run(method, func(t *testing.T) {
			refused(t, served.Post(t, url+endpoint, "{}"), http.StatusNotImplemented, 12, method+" is not served here")
		})
	}
}
