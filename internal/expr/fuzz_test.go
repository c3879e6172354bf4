// SPDX-License-Identifier: Apache-2.0

package expr_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/authz"
)

// FuzzCompile compiles any text. What compiles is evaluated twice for requests
// of several shapes, without a panic, in a bounded time and to one outcome.
func FuzzCompile(f *testing.F) {
	for _, tt := range evalCases() {
		f.Add(tt.text)
	}
	f.Add("true &&\n'äö' == subject.idd")
	f.Add(chain(`[1]`, `[x, x]`, `x == x`))
	f.Add(`[1]` + strings.Repeat(`.map(x, {x: x})`, 20) + `.size() == 1`)
	env := newEnv(f)
	empty := &authz.Request{
		Subject: authz.Subject{Type: "user", ID: "u"}, Action: authz.Action{Name: "read"},
		Resource: authz.Resource{Type: "document"}, Time: newRequest().Time,
	}
	requests := []*authz.Request{newRequest(), empty, deepRequest()}
	const limit = 20 * time.Second // compiling and evaluating take milliseconds
	f.Fuzz(func(t *testing.T, text string) {
		watchdog := time.AfterFunc(limit, func() { panic("does not end: " + text) })
		defer watchdog.Stop()
		p, issues := env.Compile(text)
		for _, issue := range issues {
			if issue.Message == "" || issue.Line < 0 || issue.Column < 0 {
				t.Errorf("issue %+v", issue)
			}
		}
		p.MaxCost()
		p.Unguarded()
		for _, r := range requests {
			first := evaluate(p, r)
			if diff := cmp.Diff(first, evaluate(p, r)); diff != "" {
				t.Errorf("two outcomes: %s", diff)
			}
			if len(issues) > 0 && !issues[0].Warning && first.Err == "" {
				t.Errorf("a condition that does not compile evaluates to %t", first.Value)
			}
		}
	})
}

// deepRequest has values of every kind and in every depth.
func deepRequest() *authz.Request {
	r := newRequest()
	nested := any("x")
	for range 50 {
		nested = []any{map[string]any{"x": nested}, nil, 1.0}
	}
	r.Context = map[string]any{
		"mfa": "yes", "ip": nil, "at": 5.0, "nested": nested, "a": nested, "b": map[string]any{"b": true}, "": "",
	}
	r.Resource.Properties = map[string]any{"owner_id": nested, "labels": []any{}, "teams": map[string]any{}}
	return r
}
