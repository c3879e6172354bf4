// SPDX-License-Identifier: Apache-2.0

package expr_test

import (
	"testing"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/expr"
)

// BenchmarkEval evaluates conditions of the usual kinds, each as a whole check
// with a budget of its own.
func BenchmarkEval(b *testing.B) {
	r := benchRequest()
	for name, text := range map[string]string{
		"owner":        `resource.properties.owner_id == subject.id`,
		"owner-cerbos": `request.resource.attr.owner_id == request.principal.id`,
		"flag":         `has(context.mfa) && context.mfa`,
		"member":       `resource.properties.team in subject.groups`,
		"loop":         `subject.groups.exists(g, g == "ops")`,
		"prefix":       `scope.startsWith("org:acme")`,
		"address":      `cidr("10.0.0.0/8").containsIP(context.ip)`,
	} {
		b.Run(name, func(b *testing.B) {
			p := mustCompile(b, text)
			b.ReportAllocs()
			for b.Loop() {
				budget := expr.NewBudget()
				if ok, err := p.Eval(r, &budget); err != nil || !ok {
					b.Fatal(ok, err)
				}
			}
		})
	}
}

// BenchmarkFlat is the floor of BenchmarkEval/owner: cel-go alone with two
// variables in a flat map, as is, and with its own cost limit.
func BenchmarkFlat(b *testing.B) {
	for name, options := range map[string][]cel.ProgramOption{
		"plain":      {cel.EvalOptions(cel.OptOptimize)},
		"cost-limit": {cel.EvalOptions(cel.OptOptimize), cel.CostLimit(expr.CheckBudget)},
	} {
		b.Run(name, func(b *testing.B) {
			prg := flatProgram(b, options...)
			vars := map[string]any{"owner": "user-1", "id": "user-1"}
			b.ReportAllocs()
			for b.Loop() {
				if v, _, err := prg.Eval(vars); err != nil || v != types.True {
					b.Fatal(v, err)
				}
			}
		})
	}
}

func flatProgram(b *testing.B, options ...cel.ProgramOption) cel.Program {
	b.Helper()
	env, err := cel.NewEnv(cel.Variable("owner", cel.StringType), cel.Variable("id", cel.StringType))
	if err != nil {
		b.Fatal(err)
	}
	checked, iss := env.Compile("owner == id")
	if iss.Err() != nil {
		b.Fatal(iss.Err())
	}
	prg, err := env.Program(checked, options...)
	if err != nil {
		b.Fatal(err)
	}
	return prg
}

// BenchmarkCompile compiles an expression that is in use, and one that is not.
func BenchmarkCompile(b *testing.B) {
	const text = `has(context.mfa) && context.mfa && resource.properties.owner_id == subject.id`
	b.Run("known", func(b *testing.B) {
		env := newEnv(b)
		p, _ := env.Compile(text)
		b.ReportAllocs()
		for b.Loop() {
			if q, _ := env.Compile(text); q != p {
				b.Fatal("compiled again")
			}
		}
	})
	b.Run("new", func(b *testing.B) {
		env := newEnv(b)
		b.ReportAllocs()
		spaces := []byte(text)
		for b.Loop() {
			spaces = append(spaces, ' ')
			if len(spaces) == expr.MaxLength {
				spaces = spaces[:len(text)]
			}
			if _, issues := env.Compile(string(spaces)); len(issues) > 0 {
				b.Fatal(issues)
			}
		}
	})
}

func benchRequest() *authz.Request {
	r := newRequest()
	r.Subject = authz.Subject{Type: "user", ID: "user-1", Groups: []string{"engineering", "editors", "ops"}}
	r.Resource.Properties = map[string]any{"owner_id": "user-1", "team": "ops"}
	r.Context = map[string]any{"mfa": true, "ip": "10.1.2.3"}
	return r
}
