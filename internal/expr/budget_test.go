// SPDX-License-Identifier: Apache-2.0

package expr_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/expr"
)

// largeRequest returns a request that is as large as a door lets in: one half is
// a list of small numbers, the other a text.
func largeRequest() *authz.Request {
	r := newRequest()
	numbers := make([]any, expr.MaxRequestBytes/4)
	for i := range numbers {
		numbers[i] = float64(i % 10)
	}
	pieces := make([]any, 1000)
	for i := range pieces {
		pieces[i] = strings.Repeat("a", 500)
	}
	keys := map[string]any{}
	for i := range 50_000 {
		keys[fmt.Sprint("key-", i)] = float64(i)
	}
	r.Context = map[string]any{
		"numbers": numbers, "same": numbers[: len(numbers)-1 : len(numbers)-1], "pieces": pieces,
		"text": strings.Repeat("a", expr.MaxRequestBytes/2), "text2": strings.Repeat("a", expr.MaxRequestBytes/2), "keys": keys,
	}
	return r
}

// chain nests a binding so often that its value grows exponentially.
func chain(start, step, result string) string {
	const depth = 20
	var b strings.Builder
	fmt.Fprintf(&b, "cel.bind(x0, %s, ", start)
	for i := 1; i <= depth; i++ {
		fmt.Fprintf(&b, "cel.bind(x%d, %s, ", i, strings.ReplaceAll(step, "x", fmt.Sprint("x", i-1)))
	}
	b.WriteString(strings.ReplaceAll(result, "x", fmt.Sprint("x", depth)))
	b.WriteString(strings.Repeat(")", depth+1))
	return b.String()
}

func TestExpensiveConditionsAreStopped(t *testing.T) {
	env, large, small := newEnv(t), largeRequest(), newRequest()
	for name, text := range map[string]string{
		"a loop in a loop":                         `context.numbers.all(x, context.numbers.all(y, x != y || x == y))`,
		"a loop in a loop that errs at every turn": `context.numbers.all(x, context.numbers.exists(y, context.nothing == y))`,
		"a loop whose turns compare long lists":    `context.numbers.all(x, context.numbers != context.same || x == x)`,
		"a loop whose turns compare long texts":    `context.numbers.all(x, context.text == context.text2)`,
		"a loop whose turns measure a long text":   `context.numbers.all(x, size(context.text) > 0)`,
		"a loop whose turns search a long text":    `context.numbers.all(x, !context.text.contains("b"))`,
		"a loop whose turns match a long text":     `context.numbers.all(x, !context.text.matches("(a*)*b"))`,
		"a loop whose turns compile a pattern":     `context.pieces.all(x, !"b".matches(x))`,
		"a loop over a map":                        `context.keys.all(k, context.keys.all(l, k != "" && l != ""))`,
		"a loop with two variables":                `context.keys.all(k, v, context.keys.all(l, w, v != -1 && w != -1))`,
		"a loop that builds a map":                 `context.numbers.transformMap(i, x, context.numbers.exists(y, y == 10)).size() > 0`,
		"all pairs of two lists":                   `sets.contains(context.numbers, context.same)`,
		"distinct elements":                        `context.numbers.map(x, [x]).distinct().size() == 10`,
		"joining a long text to itself":            `context.numbers.map(x, context.text).join().size() > 0`,
		"replacing every character":                `context.text.replace("a", context.text).size() > 0`,
		"replacing every match":                    `regex.replace(context.text, "a", context.text).size() > 0`,
		"a search that starts again and again":     `context.text.indexOf(context.text2 + "b") == -1`,
		"splitting and joining":                    `context.numbers.all(x, context.text.split("").join() == context.text)`,
		"formatting long values":                   `context.numbers.all(x, "%s".format([context.numbers]) != "")`,
		"a range of numbers":                       `lists.range(1000000).size() > 0`,
		"a pattern that repeats itself":            `context.text.matches("((a{0,100}){0,10}b?){0,1}" + "$")`,
		"powers of ten":                            `quantity("1e999999999").isGreaterThan(quantity("1"))`,
		"a list of lists of lists, compared":       chain(`[context.mfa]`, `[x, x]`, `x == x`),
		"a list of lists of lists, searched":       chain(`[1]`, `[x, x]`, `dyn([1]) in dyn(x)`),
		"a list of lists of lists, flattened":      chain(`[dyn(1)]`, `dyn([x, x])`, `[x].flatten(100).size() == 1`),
		"a list of lists of lists, printed":        chain(`[1]`, `[x, x]`, `"%s".format([x]) == ""`),
		"a list that doubles":                      chain(`[1, 2]`, `x + x`, `x.size() == 0`),
		"a text that doubles":                      chain(`"0123456789"`, `x + x`, `x.size() == 0`),
		"a map of maps, compared":                  chain(`{"a": 1}`, `{"a": x, "b": x}`, `x == x`),
	} {
		t.Run(name, func(t *testing.T) {
			r := large
			if strings.Contains(text, "cel.bind") {
				r = small
			}
			p := compileWith(t, env, text)
			b := expr.NewBudget()
			begin := time.Now()
			_, err := p.Eval(r, &b)
			if took := time.Since(begin); took > 10*time.Second {
				t.Errorf("stopped after %v", took)
			}
			if !errors.Is(err, expr.ErrCost) || b.Left() != 0 {
				t.Errorf("got error %v with %d left of the budget, want %v", err, b.Left(), expr.ErrCost)
			}
		})
	}
}

// What an ordinary condition costs must leave room for thousands of them.
func TestOrdinaryConditionsAreCheap(t *testing.T) {
	env, r := newEnv(t), newRequest()
	for text, want := range map[string]uint64{
		`resource.properties.owner_id == subject.id`:                               10,
		`R.attr.owner_id == P.id`:                                                  10,
		`has(context.mfa) && context.mfa`:                                          10,
		`"ops" in subject.groups`:                                                  10,
		`scope.startsWith("org:acme")`:                                             10,
		`resource.properties.count > 3 && now > timestamp("2026-01-01T00:00:00Z")`: 15,
		`subject.groups.exists(g, g == "ops")`:                                     30,
		`context.ip.inIPAddrRange("10.0.0.0/8")`:                                   20,
		`subject.email.matches("@acme[.]com$")`:                                    20,
		`hasIntersection(P.attr.teams, R.attr.teams)`:                              20,
	} {
		t.Run(text, func(t *testing.T) {
			p := compileWith(t, env, text)
			b := expr.NewBudget()
			if ok, err := p.Eval(r, &b); !ok || err != nil {
				t.Errorf("got %t, %v", ok, err)
			}
			if spent := expr.CheckBudget - b.Left(); spent > want {
				t.Errorf("costs %d, want at most %d", spent, want)
			}
			if p.MaxCost() > expr.CheckBudget {
				t.Errorf("is estimated at %d, above the budget", p.MaxCost())
			}
		})
	}
}

func TestEstimateGrowsWithLoops(t *testing.T) {
	env := newEnv(t)
	for text, expensive := range map[string]bool{
		`context.list.exists(x, x == subject.id)`:                              false,
		`context.list.exists(x, x.team == resource.properties.team)`:           false,
		`sets.intersects(context.list, subject.groups)`:                        false,
		`context.list.exists(x, x in resource.properties.teams)`:               false,
		`context.list.all(x, context.list.exists(y, x == y))`:                  true,
		`context.list.all(x, context.list.all(y, context.list.all(z, z)))`:     true,
		`[1, 2, 3].all(x, [1, 2, 3].exists(y, x == y))`:                        false,
		`cel.bind(l, context.list, l.all(x, l.exists(y, x == y)))`:             true,
		`context.list.map(x, context.list.map(y, y == x)).size() > 0`:          true,
		`context.text.indexOf(context.text2) > 0 && lists.range(9).size() > 0`: false,
	} {
		if got := compileWith(t, env, text).MaxCost(); (got > expr.CheckBudget) != expensive {
			t.Errorf("%s: estimated at %d, want more than %d: %t", text, got, expr.CheckBudget, expensive)
		}
	}
}

// The estimate is for a request with long lists and texts, so a request with
// short ones stays below it.
func TestOrdinaryRequestsStayBelowTheEstimate(t *testing.T) {
	env, r := newEnv(t), newRequest()
	for _, tt := range evalCases() {
		p := compileWith(t, env, tt.text)
		b := expr.NewBudget()
		if _, err := p.Eval(r, &b); errors.Is(err, expr.ErrCost) {
			t.Errorf("%s: %v", tt.text, err)
		}
		if spent := expr.CheckBudget - b.Left(); spent > p.MaxCost() {
			t.Errorf("%s: costs %d, estimated at %d", tt.text, spent, p.MaxCost())
		}
	}
}

func TestAnExhaustedBudgetStaysExhausted(t *testing.T) {
	env, r := newEnv(t), largeRequest()
	cheap := compileWith(t, env, "true")
	b := expr.NewBudget()
	if ok, err := cheap.Eval(r, &b); !ok || err != nil {
		t.Fatalf("cheap condition before: got %t, %v", ok, err)
	}
	if _, err := compileWith(t, env, `context.numbers.all(x, context.numbers.all(y, true))`).Eval(r, &b); !errors.Is(err, expr.ErrCost) {
		t.Fatalf("expensive condition: got error %v", err)
	}
	if ok, err := cheap.Eval(r, &b); ok || !errors.Is(err, expr.ErrCost) {
		t.Errorf("cheap condition after: got %t, %v", ok, err)
	}
	var none expr.Budget
	if _, err := cheap.Eval(r, &none); !errors.Is(err, expr.ErrCost) {
		t.Errorf("zero budget: got error %v", err)
	}
}

// An error that is absorbed by || or by a loop would hide that the budget is
// exhausted.
func TestExhaustionIsNotAbsorbed(t *testing.T) {
	env, r := newEnv(t), largeRequest()
	const loop = `context.numbers.all(x, context.numbers.all(y, true))`
	for _, text := range []string{
		loop + ` || true`, `!(` + loop + ` && false)`, `true ? ` + loop + ` || true : true`,
		`[1].exists(x, ` + loop + `) || true`, `optional.of(` + loop + `).hasValue()`,
	} {
		b := expr.NewBudget()
		if ok, err := compileWith(t, env, text).Eval(r, &b); ok || !errors.Is(err, expr.ErrCost) {
			t.Errorf("%s: got %t, %v", text, ok, err)
		}
	}
}

// compileWith compiles an expression that has no errors.
func compileWith(tb testing.TB, env *expr.Env, text string) *expr.Program {
	tb.Helper()
	p, issues := env.Compile(text)
	for _, issue := range issues {
		if !issue.Warning {
			tb.Fatalf("compile %s: %v", text, issue)
		}
	}
	return p
}
