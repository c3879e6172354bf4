// SPDX-License-Identifier: Apache-2.0

package gateway_test

import (
	"testing"

	"github.com/rolecall/rolecall/internal/testkit/issuer"
)

const (
	challenge = `Bearer realm="default"`
	badToken  = `Bearer error="invalid_token"`
)

// TestBothDoors puts the same requests to both doors, which say the same.
func TestBothDoors(t *testing.T) {
	t.Parallel()
	i := issuer.Start(t)
	r := start(t, everybody(i))
	session := token(t, i, map[string]any{"sub": "ann", "org": "acme"})
	elsewhere := token(t, i, map[string]any{"sub": "bob", "org": "acme", "roles": []string{"reader"}})
	ann := answer{status: 200, subject: "user:ann", roles: "reader"}
	denied, unknown, bad := answer{status: 403}, answer{status: 401, challenge: challenge}, answer{status: 401, challenge: badToken}
	get := func(path string, headers ...string) question {
		return question{method: "GET", path: path, headers: headers}
	}
	tests := map[string]struct {
		question
		want answer
	}{
		"a token in the header":            {get("/documents/1", "Authorization", "Bearer "+session), ann},
		"in a cookie":                      {get("/documents/1", "Cookie", "a=b; session="+session+"; c=d"), ann},
		"in a quoted cookie":               {get("/documents/1", "Cookie", `session="`+session+`"`), ann},
		"a query changes nothing":          {get("/documents/1?id=2&x=/../", "Authorization", "bearer "+session), ann},
		"HEAD is GET":                      {question{method: "HEAD", path: "/documents/1", headers: []string{"Authorization", "Bearer " + session}}, ann},
		"asserted roles":                   {get("/documents/1", "Authorization", "Bearer "+elsewhere), answer{200, "", "user:bob", "reader"}},
		"in the token's scope":             {get("/pages/1", "Authorization", "Bearer "+elsewhere), answer{200, "", "user:bob", "reader"}},
		"a bad token":                      {get("/documents/1", "Authorization", "Bearer "+session+"x"), bad},
		"a bad token is nobody's":          {get("/documents", "Authorization", "Bearer x"), bad},
		"a bad token beside a good header": {get("/documents/1", "Authorization", "Bearer x", "X-User", "ann"), bad},
		"no token behind Bearer":           {get("/documents/1", "Authorization", "Bearer "), answer{status: 401}},
		"two sessions":                     {get("/documents/1", "Cookie", "session="+session+"; session="+elsewhere), answer{status: 401}},
		"an empty session":                 {get("/documents/1", "Cookie", "session="), answer{status: 401}},
		"another cookie":                   {get("/documents/1", "Cookie", "Session="+session), unknown},
		"another scheme is no token":       {get("/documents/1", "Authorization", "Basic "+session), unknown},
		"nobody":                           {get("/documents/1"), unknown},
		"nobody may what everybody may":    {get("/documents"), answer{200, "", "anonymous:anonymous", "visitor"}},
		"who is known may not":             {question{method: "DELETE", path: "/documents/1", headers: []string{"Authorization", "Bearer " + session}}, denied},

		"a header":                      {get("/documents/1", "X-User", "ann"), ann},
		"a header with blanks":          {get("/documents/1", "X-User", " ann "), ann},
		"an empty header is nobody":     {get("/documents/1", "X-User", ""), unknown},
		"groups in a header":            {get("/documents/1", "X-User", "cat", "X-User-Groups", "x, staff"), answer{200, "", "user:cat", "reader"}},
		"roles in a header":             {get("/documents/1", "X-User", "dan", "X-User-Roles", "reader"), answer{200, "", "user:dan", "reader"}},
		"roles that nobody may assert":  {get("/documents", "X-User", "dan", "X-User-Roles", "visitor"), denied},
		"an address in a header":        {get("/documents/1", "X-User", "eve", "X-User-Email", "eve@acme.com"), answer{200, "", "user:eve", "reader"}},
		"roles without a subject":       {get("/documents", "X-User-Roles", "reader"), answer{status: 401}},
		"a scope in a header":           {get("/pages/1", "X-User", "ann", "X-User-Scope", "org:acme"), ann},
		"no scope where one is needed":  {get("/pages/1", "X-User", "ann"), denied},
		"a scope that is none":          {get("/pages/1", "X-User", "ann", "X-User-Scope", "a//b"), denied},
		"the id of everybody":           {get("/documents/1", "X-User", "*"), denied},
		"an id that a header must hide": {get("/documents/1", "X-User", "élan %"), answer{200, "", "user:%C3%A9lan%20%25", "reader"}},

		"no route":                    {get("/", "X-User", "ann"), denied},
		"no route for nobody":         {get("/"), denied},
		"no route for a bad token":    {get("/", "Authorization", "Bearer x"), denied},
		"another method":              {question{method: "PATCH", path: "/documents/1", headers: []string{"X-User", "ann"}}, denied},
		"routes that disagree":        {get("/contested/1", "X-User", "ann"), denied},
		"a path that can be two":      {get("/documents/..%2f1", "X-User", "ann"), denied},
		"a path that climbs":          {get("/documents/../documents/1", "X-User", "ann"), denied},
		"a path that is none":         {get("documents/1", "X-User", "ann"), denied},
		"no path":                     {question{method: "OPTIONS", path: "*", headers: []string{"X-User", "ann"}}, denied},
		"a capture is a property":     {question{method: "POST", path: "/folders/public/1", headers: []string{"X-User", "ann"}}, answer{200, "", "user:ann", "publisher"}},
		"another capture":             {question{method: "POST", path: "/folders/private/1", headers: []string{"X-User", "ann"}}, denied},
		"what is stored stays":        {question{method: "POST", path: "/folders/public/stored", headers: []string{"X-User", "ann"}}, denied},
		"what conditions see":         {question{method: "PUT", path: "/documents/d%201?x=1", headers: []string{"X-User", "ann", "User-Agent", "test/1", "Cookie", "a=b"}}, answer{200, "", "user:ann", "publisher"}},
		"another client":              {question{method: "PUT", path: "/documents/d%201", headers: []string{"X-User", "ann", "User-Agent", "test/2"}}, denied},
		"a client's word for a scope": {get("/pages/1", "Authorization", "Bearer "+session, "X-User-Scope", "org:other"), ann},
		"a client's word for a role":  {get("/documents/1", "Authorization", "Bearer "+elsewhere, "X-Rolecall-Subject", "ann", "X-Rolecall-Roles", "publisher"), answer{200, "", "user:bob", "reader"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for door, ask := range map[string]func(*testing.T, question) answer{"forward-auth": r.overHTTP, "ext_authz": r.overGRPC} {
				if got := ask(t, tt.question); got != tt.want {
					t.Errorf("%s: %+v, want %+v", door, got, tt.want)
				}
			}
		})
	}
}

// TestNothingIsLeftOver: the memory of a request is used again, and nothing that one
// said counts for the next.
func TestNothingIsLeftOver(t *testing.T) {
	t.Parallel()
	r := start(t, everybody(issuer.Start(t)))
	requests := []struct {
		question
		want int
	}{
		{question{method: "PUT", path: "/documents/d%201", headers: []string{"X-User", "ann", "User-Agent", "test/1"}}, 200},
		{question{method: "PUT", path: "/documents/d%201", headers: []string{"X-User", "ann", "User-Agent", ""}}, 403},
		{question{method: "PUT", path: "/documents/d%201", headers: []string{"X-User", "ann"}}, 403},
		{question{method: "POST", path: "/folders/public/1", headers: []string{"X-User", "ann"}}, 200},
		{question{method: "POST", path: "/folders/private/1", headers: []string{"X-User", "ann"}}, 403},
		{question{method: "GET", path: "/documents/1", headers: []string{"X-User", "cat", "X-User-Groups", "staff"}}, 200},
		{question{method: "GET", path: "/documents/1", headers: []string{"X-User", "cat"}}, 403},
		{question{method: "GET", path: "/pages/1", headers: []string{"X-User", "ann", "X-User-Scope", "org:acme"}}, 200},
		{question{method: "GET", path: "/pages/1", headers: []string{"X-User", "ann"}}, 403},
		{question{method: "GET", path: "/documents/1"}, 401},
		{question{method: "GET", path: "/nowhere"}, 403},
	}
	for range 20 {
		for _, tt := range requests {
			for door, ask := range map[string]func(*testing.T, question) answer{"forward-auth": r.overHTTP, "ext_authz": r.overGRPC} {
				if got := ask(t, tt.question); got.status != tt.want || (got.challenge != "") != (tt.want == 401) || (got.roles != "") != (tt.want == 200) {
					t.Errorf("%s: %+v: %+v, want %d", door, tt.question, got, tt.want)
				}
			}
		}
	}
}
