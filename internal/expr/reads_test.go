// SPDX-License-Identifier: Apache-2.0

package expr_test

import (
	"errors"
	"math"
	"testing"

	"github.com/rolecall/rolecall/internal/expr"
)

func TestReads(t *testing.T) {
	env := newEnv(t)
	const pair, all, stored = expr.PartPair, expr.PartPair | expr.PartInstance, expr.PartStorable
	for text, want := range map[string]expr.Parts{
		`true`: 0,
		`subject.id == "u" && context.a.b == scope && now < timestamp("2026-01-01T00:00:00Z")`: 0,
		`P.id == request.principal.id && request.principal.attr.a == 1`:                        stored,
		`context.resource.id == "x"`:                                0,
		`subject.groups.exists(g, g == "x")`:                        0,
		`resource.type == "doc"`:                                    pair,
		`action.name.startsWith("x")`:                               pair,
		`R.kind == "doc" || request.resource.kind == "x"`:           pair,
		`["a"].exists(x, x == action.name)`:                         pair,
		`resource.id == "doc"`:                                      all,
		`has(resource.id)`:                                          all,
		`resource.properties.owner == subject.id`:                   all | stored,
		`request.resource.attr.owner == subject.id`:                 all | stored,
		`R.id == "x"`:                                               all,
		`action.properties.soft == true`:                            all,
		`subject.groups.exists(g, g in resource.properties.groups)`: all | stored,
		`resource.properties.groups.exists(g, g == "x")`:            all | stored,
		`subject.groups.exists(g, g == "x" && resource.id == g)`:    all,
		`context.a ? false : resource.id == "x"`:                    all,
		`[resource.id] == ["x"]`:                                    all,
		`{"a": resource.id} == {"a": "x"}`:                          all,
		`resource.?properties.optMap(p, p == {}).orValue(false)`:    all | stored,
		`dyn(resource) == dyn(1)`:                                   all | stored,
		`dyn(request) == dyn(1)`:                                    all | stored,
		`.resource.properties.a == .subject.id`:                     all | stored,
		`subject.properties.a`:                                      stored,
		`P.attr["a"]`:                                               stored,
		`has(subject.properties)`:                                   stored,
		`[1].exists(x, subject.properties.a == x)`:                  stored,
		`dyn(subject) == dyn(1)`:                                    stored,
		`dyn(request.principal) == dyn(1)`:                          stored,
		`request.auxData.jwt.a == context.a`:                        0,
		`.resource.id == "x"`:                                       all,
	} {
		p, issues := env.Compile(text)
		if len(issues) > 0 {
			t.Errorf("%s: %v", text, issues)
			continue
		}
		if got := p.Reads(); got != want {
			t.Errorf("%s reads %b, want %b", text, got, want)
		}
	}
}

// TestBound: where there is a bound, no request can cost more.
func TestBound(t *testing.T) {
	env := newEnv(t)
	for text, want := range map[string]bool{
		`resource.properties.owner == subject.id`:                         true,
		`"a" != resource.id`:                                              true,
		`context.a == resource.properties.a`:                              false, // they may be lists
		`resource.id in subject.groups`:                                   false,
		`has(context.a) && context.a == "b"`:                              false,
		`resource.properties.list.exists(x, x == resource.id)`:            false,
		`resource.properties.text.matches("(a*)*b") && subject.id == "u"`: false,
	} {
		p, _ := env.Compile(text)
		if got := p.Bound() < math.MaxUint64; got != want {
			t.Errorf("%s has a bound: %v, want %v", text, got, want)
		}
	}
	if n := expr.Failing(errors.New("no good")).Bound(); n != 0 {
		t.Errorf("what always fails costs up to %d, want nothing", n)
	}
}
