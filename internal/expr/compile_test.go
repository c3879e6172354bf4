// SPDX-License-Identifier: Apache-2.0

package expr_test

import (
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/expr"
)

func TestCompileReportsFaults(t *testing.T) {
	env := newEnv(t)
	for name, tt := range map[string]struct {
		text string
		want []expr.Issue
	}{
		"nothing": {"", []expr.Issue{
			{Message: "the expression is empty: write one, or leave the condition out"},
		}},
		"only space": {" \n\t", []expr.Issue{
			{Message: "the expression is empty: write one, or leave the condition out"},
		}},
		"bytes that are no text": {"true || \"\xff\" == \"\"", []expr.Issue{
			{Message: "the expression is not valid UTF-8"},
		}},
		"a misspelt variable": {`true && subjct.id == "x"`, []expr.Issue{
			{Line: 1, Column: 9, Message: `there is no variable "subjct" (did you mean "subject"?)`},
		}},
		"a variable of nothing near": {`principal.id == "x"`, []expr.Issue{
			{Line: 1, Column: 1, Message: `there is no variable "principal"`},
		}},
		"a misspelt field": {`subject.emial == "x"`, []expr.Issue{
			{Line: 1, Column: 9, Message: `subject has no field "emial" (did you mean "email"?)`},
		}},
		"a field in another spelling": {`subject.Groups == []`, []expr.Issue{
			{Line: 1, Column: 9, Message: `subject has no field "Groups" (did you mean "groups"?)`},
		}},
		"a field of a field": {`request.resource.attrs.x == 1`, []expr.Issue{
			{Line: 1, Column: 18, Message: `request.resource has no field "attrs" (did you mean "attr"?)`},
		}},
		"a field of nothing near": {`resource.owner == subject.id`, []expr.Issue{
			{Line: 1, Column: 10, Message: `resource has no field "owner": it has type, id, properties`},
		}},
		"a field of another kind of object": {`P.kind == "x"`, []expr.Issue{
			{Line: 1, Column: 3, Message: `P has no field "kind": it has id, roles, attr`},
		}},
		"a field of a text": {`subject.id.x == "x"`, []expr.Issue{
			{Line: 1, Column: 12, Message: `type 'string' does not support field selection`},
		}},
		"has of an unknown field": {`has(subject.mail)`, []expr.Issue{
			{Line: 1, Column: 1, Message: `subject has no field "mail" (did you mean "email"?)`},
		}},
		"a misspelt method": {`scope.startWith("x")`, []expr.Issue{
			{Line: 1, Column: 7, Message: `there is no function "startWith" (did you mean "startsWith"?)`},
		}},
		"a misspelt function": {`true || sise (subject.groups) > 1`, []expr.Issue{
			{Line: 1, Column: 14, Message: `there is no function "sise" (did you mean "size"?)`},
		}},
		"a misspelt macro": {`subject.groups.exist(g, g == "x")`, []expr.Issue{
			{Line: 1, Column: 16, Message: `there is no function "exist" (did you mean "exists"?)`},
			{Line: 1, Column: 22, Message: `there is no variable "g"`},
			{Line: 1, Column: 25, Message: `there is no variable "g"`},
		}},
		"a function with wrong arguments": {`scope.startsWith(1)`, []expr.Issue{
			{Line: 1, Column: 7, Message: `startsWith does not work with string.(int)`},
		}},
		"an operator with wrong operands": {`subject.id == 1`, []expr.Issue{
			{Line: 1, Column: 12, Message: `== does not work with (string, int)`},
		}},
		"two faults": {`subject.idd == "x" && scop == ""`, []expr.Issue{
			{Line: 1, Column: 9, Message: `subject has no field "idd" (did you mean "id"?)`},
			{Line: 1, Column: 23, Message: `there is no variable "scop" (did you mean "scope"?)`},
		}},
		"a fault in the second line": {"has(context.mfa) &&\n  subject.idd == \"x\"", []expr.Issue{
			{Line: 2, Column: 11, Message: `subject has no field "idd" (did you mean "id"?)`},
		}},
		"a fault after letters of several bytes": {"'äö日本😀' == subject.idd", []expr.Issue{
			{Line: 1, Column: 20, Message: `subject has no field "idd" (did you mean "id"?)`},
		}},
		"a syntax error": {"true &&\n", []expr.Issue{
			{Line: 2, Column: 1, Message: `syntax error: mismatched input '<EOF>' expecting`},
		}},
		"a text that does not end": {`scope == "x`, []expr.Issue{
			{Line: 1, Column: 10, Message: `syntax error: token recognition error at: '"x'`},
		}},
		"a reserved word": {`for == 1`, []expr.Issue{
			{Line: 1, Column: 1, Message: `reserved identifier: for`},
		}},
		"a result that is a text": {"  subject.id", []expr.Issue{
			{Line: 1, Column: 3, Message: "the condition is of type string, it must be true or false: compare it with something"},
		}},
		"a result that is a number": {`size(subject.groups)`, []expr.Issue{
			{Line: 1, Column: 1, Message: "the condition is of type int, it must be true or false: compare it with something"},
		}},
		"a result that is a sum": {`1 + 2`, []expr.Issue{
			{Line: 1, Column: 1, Message: "the condition is of type int, it must be true or false: compare it with something"},
		}},
		"a result that is an optional": {`context.?mfa`, []expr.Issue{
			{Line: 1, Column: 1, Message: "the condition is of type optional_type(dyn), it must be true or false: compare it with something"},
		}},
		"an object that is made": {`rolecall.Subject{id: "x"} == subject`, []expr.Issue{
			{Line: 1, Column: 1, Message: `a condition cannot make a rolecall.Subject: use a map, {"key": value}`},
		}},
		"a message of protocol buffers": {`true || google.protobuf.Value{} == 1`, []expr.Issue{
			{Line: 1, Column: 9, Message: `a condition cannot make a google.protobuf.Value: use a map, {"key": value}`},
		}},
		"a regular expression that is none": {`scope.matches("(")`, []expr.Issue{
			{Line: 1, Column: 15, Message: "the regular expression is not valid: error parsing regexp: missing closing ): `(`"},
		}},
		"a regular expression of a library": {`regex.replace(scope, "[", "x") == ""`, []expr.Issue{
			{Line: 1, Column: 22, Message: "the regular expression is not valid: error parsing regexp: missing closing ]: `[`"},
		}},
		"a regular expression that is too large": {`scope.matches("(a{100}){9}(b{1000}){1}c{1000}")`, []expr.Issue{
			{Line: 1, Column: 15, Message: "the regular expression is too large (2922 instructions, at most 2000): repeat less in it"},
		}},
		"a moment that is none": {`now > timestamp("yesterday")`, []expr.Issue{
			{Line: 1, Column: 17, Message: `invalid timestamp argument`},
		}},
		"a duration that is none": {`now - now > duration("1 day")`, []expr.Issue{
			{Line: 1, Column: 22, Message: `invalid duration argument`},
		}},
		"too many characters": {`"` + strings.Repeat("ä", expr.MaxLength) + `" == ""`, []expr.Issue{
			{Message: "the expression has 4104 characters, at most 4096 are allowed: shorten it"},
		}},
		"too deep": {strings.Repeat("(", 300) + "true" + strings.Repeat(")", 300), []expr.Issue{
			{Message: "expression recursion limit exceeded: 100"},
		}},
		"too many computed keys": {`[1]` + strings.Repeat(`.map(x, {x: x})`, 20) + `.size() == 1`, []expr.Issue{
			{Line: 1, Column: 73, Message: "the expression computes too many keys of maps, at most 4 are allowed: use literals"},
		}},
		"too many loops": {strings.Repeat("[1].all(x, true) && ", 24) + "[1].all(x, true)", []expr.Issue{
			{Line: 1, Column: 481, Message: "the expression has too many loops, at most 24 are allowed: split it"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			p, got := env.Compile(tt.text)
			if diff := cmp.Diff(tt.want, got, shortened(tt.want)); diff != "" {
				t.Errorf("issues (-want +got):\n%s", diff)
			}
			b := expr.NewBudget()
			if ok, err := p.Eval(newRequest(), &b); ok || err == nil || !strings.Contains(err.Error(), "does not compile") {
				t.Errorf("evaluates to %t, %v, want an error", ok, err)
			}
			if p.Text() != tt.text {
				t.Errorf("text is %q", p.Text())
			}
		})
	}
}

// shortened compares messages up to the end of the wanted one: the rest is a
// list of cel-go's.
func shortened(want []expr.Issue) cmp.Option {
	return cmp.Transformer("Shortened", func(i expr.Issue) expr.Issue {
		for _, w := range want {
			if strings.HasPrefix(i.Message, w.Message) {
				i.Message = w.Message
			}
		}
		return i
	})
}

func TestCompileAllows(t *testing.T) {
	env := newEnv(t)
	for name, text := range map[string]string{
		"a result that is known at run time only": `context.mfa`,
		"the longest text":                        `"` + strings.Repeat("ä", expr.MaxLength-7) + `"== ""`,
		"many loops":                              strings.Repeat("[1].all(x, true) && ", 23) + "[1].all(x, true)",
		"comments and lines":                      "// who owns it\nresource.properties.owner_id\n  == subject.id // may",
	} {
		t.Run(name, func(t *testing.T) {
			if _, issues := env.Compile(text); len(issues) > 0 {
				t.Errorf("got %v", issues)
			}
		})
	}
}

func TestUnguarded(t *testing.T) {
	env := newEnv(t)
	for text, want := range map[string][]string{
		`context.country == "XX"`:                                     {"1:1 context.country"},
		`has(context.country) && context.country == "XX"`:             nil,
		`context.country == "XX" && has(context.country)`:             nil,
		`true && (has(context.a) && (context.a || context.b))`:        {"1:42 context.b"},
		`!has(context.mfa) || !context.mfa`:                           nil,
		`!context.mfa || !has(context.mfa)`:                           nil,
		`has(context.mfa) || context.mfa`:                             {"1:21 context.mfa"},
		`!(has(context.mfa) && context.mfa)`:                          nil,
		`has(context.a) ? context.a : context.b`:                      {"1:30 context.b"},
		`!has(context.a) ? true : context.a`:                          nil,
		`"country" in context && context["country"] == "XX"`:          nil,
		`context["country"] == "XX"`:                                  {"1:1 context.country"},
		`context.?country.orValue("") == "XX"`:                        nil,
		`has(context.a) && context.a.b == 1`:                          {"1:19 context.a.b"},
		`has(context.a.b)`:                                            {"1:1 context.a"},
		`has(context.a) && has(context.a.b) && context.a.b == 1`:      nil,
		`subject.properties.x == 1 && resource.properties.y == 2`:     {"1:1 subject.properties.x", "1:30 resource.properties.y"},
		`P.attr.x == 1 && request.resource.attr.y == 2`:               {"1:1 P.attr.x", "1:18 request.resource.attr.y"},
		`has(P.attr.x) && subject.properties.x == 1`:                  nil,
		`has(request.resource.attr.x) && R.attr.x == 1`:               nil,
		`action.properties.force`:                                     {"1:1 action.properties.force"},
		`subject.id == "x" && "ops" in subject.groups && scope == ""`: nil,
		`context.list.exists(x, x.a == 1)`:                            {"1:1 context.list"},
		`has(context.list) && context.list.exists(x, x == context.b)`: {"1:50 context.b"},
		`[{"a": 1}].exists(context, context.a == 1)`:                  nil,
		"true\n  && context.a\n  && context.a":                        {"2:6 context.a"},
		`size(context) > 0 && context.all(k, k != "")`:                nil,
	} {
		t.Run(text, func(t *testing.T) {
			var got []string
			for _, r := range compileWith(t, env, text).Unguarded() {
				got = append(got, position(r))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestEqualTextsShareAProgram(t *testing.T) {
	env := newEnv(t)
	var wg sync.WaitGroup
	programs := make([]*expr.Program, 16)
	for i := range programs {
		wg.Go(func() { programs[i], _ = env.Compile(`subject.id == "x"`) })
	}
	wg.Wait()
	for _, p := range programs {
		if p != programs[0] {
			t.Fatal("equal texts have two programs")
		}
	}
	_, issues := env.Compile(`subject.idd`)
	_, again := env.Compile(`subject.idd`)
	if diff := cmp.Diff(issues, again); diff != "" || len(issues) != 1 {
		t.Errorf("issues differ: %s", diff)
	}
	runtime.KeepAlive(programs)
}
