// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rolecall/rolecall/internal/authz"
)

// Every comparison that is made without CEL is made with CEL too, for values of
// every kind on both sides: the value, the error and the cost must be the same.
func TestDirectComparisonsAreThoseOfCEL(t *testing.T) {
	env, err := NewEnv()
	if err != nil {
		t.Fatal(err)
	}
	operands := []string{
		`"x"`, `""`, `"` + strings.Repeat("l", 1500) + `"`, "scope", "subject.type", "subject.id", "subject.email", "P.id", "request.principal.id",
		"resource.type", "resource.id", "R.kind", "R.id", "request.resource.kind", "request.resource.id", "action.name",
		"context.k", `context["k"]`, "subject.properties.k", "P.attr.k", "request.principal.attr.k",
		"resource.properties.k", "R.attr.k", "request.resource.attr.k", "action.properties.k",
	}
	requests := directRequests()
	for _, left := range operands {
		for _, right := range operands {
			compareWithCEL(t, env, left+" == "+right, requests)
			compareWithCEL(t, env, left+" != "+right, requests)
		}
		for _, list := range []string{"subject.groups", "subject.roles", "P.roles", "request.principal.roles"} {
			compareWithCEL(t, env, left+" in "+list, requests)
		}
	}
}

func compareWithCEL(t *testing.T, env *Env, text string, requests []*authz.Request) {
	t.Helper()
	p, issues := env.Compile(text)
	if len(issues) > 0 || p.direct == nil {
		t.Errorf("%s is left to CEL, issues %v", text, issues)
		return
	}
	slow := *p
	slow.direct = nil
	for _, r := range requests {
		for _, left := range []uint64{CheckBudget, p.steps + evalCost + 2, p.steps + evalCost + 1, p.steps + evalCost} {
			a, b := Budget{left: left}, Budget{left: left}
			got, gotErr := p.Eval(r, &a)
			want, wantErr := slow.Eval(r, &b)
			if got != want || fmt.Sprint(gotErr) != fmt.Sprint(wantErr) || a != b {
				t.Errorf("%.80s of %.80v and budget %d: got %t, %v, %d left; CEL gives %t, %v, %d left",
					p.text, r.Context, left, got, gotErr, a.left, want, wantErr, b.left)
			}
		}
	}
}

func directRequests() []*authz.Request {
	var all []*authz.Request
	long := strings.Repeat("l", 1500)
	for i, v := range []any{
		"x", "", "y", long, long + "m", nil, true, 1.0,
		[]any{},
		[]any{"x"},
		map[string]any{},
		map[string]any{"k": "x"},
		1, int64(1),
		[]string{"x"},
		json("x"), []byte("x"), time.Unix(0, 0),
	} {
		keys := map[string]any{"k": v}
		r := &authz.Request{
			Subject:  authz.Subject{Type: "x", ID: "x", Email: "x", Properties: keys, Groups: []string{"y", "x", "", "z"}},
			Action:   authz.Action{Name: "x", Properties: map[string]any{"k": "x"}},
			Resource: authz.Resource{Type: "x", ID: long, Properties: keys},
			Context:  keys, Scope: "x", Time: time.Unix(0, 0),
		}
		if i%2 == 0 {
			r.Resource.Properties = nil
			r.Subject.Roles = []string{"y", "z", "x", long, long + "m", "a", "b", "c", "d"}
			r.Subject.Properties = map[string]any{"k": "x"}
		}
		all = append(all, r)
	}
	return all
}

// json is a text of a type that encoding/json does not make.
type json string
