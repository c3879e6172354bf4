// SPDX-License-Identifier: Apache-2.0

package expr_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/expr"
)

func newClaimsEnv(tb testing.TB) *expr.ClaimsEnv {
	tb.Helper()
	env, err := expr.NewClaimsEnv()
	if err != nil {
		tb.Fatal(err)
	}
	return env
}

func TestClaims(t *testing.T) {
	env := newClaimsEnv(t)
	claims := map[string]any{
		"sub": "user-1", "verified": true, "age": 7.0, "nothing": nil, "groups": []any{"a", "b"},
		"https://example.com/session": map[string]any{
			"roles": []any{"editor"},
			"factors": []any{
				map[string]any{"type": "magic_link"},
				map[string]any{"type": "sso", "saml": map[string]any{"connection": "saml-1"}},
			},
		},
	}
	tests := map[string]struct {
		text string
		form expr.Form
		want any
	}{
		"a string":            {`claims.sub`, expr.TextForm, "user-1"},
		"a string with more":  {`"org:" + claims.sub`, expr.TextForm, "org:user-1"},
		"a truth":             {`claims.verified && claims.sub != ""`, expr.TruthForm, true},
		"a number":            {`int(claims.age) + 1`, expr.AnyForm, 8.0},
		"null":                {`claims.nothing`, expr.TextForm, nil},
		"a list":              {`claims.groups`, expr.ListForm, []any{"a", "b"}},
		"a list that is made": {`claims.groups.map(g, g + "!")`, expr.ListForm, []any{"a!", "b!"}},
		"what is deep inside": {`claims["https://example.com/session"].roles`, expr.ListForm, []any{"editor"}},
		"what only some elements have": {
			`claims["https://example.com/session"].factors.filter(f, has(f.saml)).map(f, f.saml.connection)`,
			expr.ListForm,
			[]any{"saml-1"},
		},
		"what may be missing":     {`claims[?"missing"].?roles.orValue([])`, expr.ListForm, []any{}},
		"an optional with value":  {`claims[?"sub"]`, expr.AnyForm, "user-1"},
		"an optional without one": {`claims[?"missing"]`, expr.AnyForm, nil},
		"objects": {
			`claims.groups.map(g, {"connection": "c", "id": g})`, expr.ListForm,
			[]any{map[string]any{"connection": "c", "id": "a"}, map[string]any{"connection": "c", "id": "b"}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := env.Compile(tt.text, tt.form)
			if err != nil {
				t.Fatal(err)
			}
			b := expr.NewBudget()
			got, err := p.Eval(claims, &b)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("value (-want +got):\n%s", diff)
			}
		})
	}
}

func TestClaimsExpressionsThatDoNotCompile(t *testing.T) {
	env := newClaimsEnv(t)
	tests := map[string]struct {
		text string
		form expr.Form
		want string
	}{
		"nothing":                     {"", expr.TextForm, "empty"},
		"no expression":               {"claims.", expr.TextForm, "syntax error"},
		"a variable of conditions":    {"subject.id", expr.TextForm, `there is no variable "subject"`},
		"a variable that is misspelt": {"claim.sub", expr.TextForm, `did you mean "claims"`},
		"a number for a string":       {"1 + 1", expr.TextForm, "it must be a string"},
		"a string for a truth":        {`"a"`, expr.TruthForm, "it must be true or false"},
		"a truth for a list":          {`claims.sub == ""`, expr.ListForm, "it must be a list or a string"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := env.Compile(tt.text, tt.form); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestClaimsExpressionsThatFail(t *testing.T) {
	env := newClaimsEnv(t)
	claims := map[string]any{"sub": "user-1", "list": make([]any, 1000)}
	for text, want := range map[string]string{
		`claims.missing`: "no such key", `claims.sub + 1`: "no such overload", `{1: claims.sub}`: "must be a string", `timestamp(0)`: "JSON does not know",
		`claims.list.all(x, claims.list.all(y, x == y))`: expr.ErrCost.Error(),
		chain(`[claims.sub]`, `[x, x]`, `x`):             expr.ErrCost.Error(),
	} {
		t.Run(text, func(t *testing.T) {
			p, err := env.Compile(text, expr.AnyForm)
			if err != nil {
				t.Fatal(err)
			}
			b := expr.NewBudget()
			v, err := p.Eval(claims, &b)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("value %v, error %v; want an error with %q", v, err, want)
			}
			if errors.Is(err, expr.ErrCost) != (b.Left() == 0) {
				t.Errorf("error %v with %d left of the budget", err, b.Left())
			}
		})
	}
}
