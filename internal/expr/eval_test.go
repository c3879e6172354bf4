// SPDX-License-Identifier: Apache-2.0

package expr_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/expr"
)

type evalCase struct {
	text string
	want bool
	// err is part of the error that is wanted instead.
	err string
}

func isTrue(text string) evalCase     { return evalCase{text: text, want: true} }
func isFalse(text string) evalCase    { return evalCase{text: text} }
func fails(text, err string) evalCase { return evalCase{text: text, err: err} }

func evalCases() []evalCase {
	var all []evalCase
	for _, cases := range [][]evalCase{
		variableCases(), cerbosCases(), missingKeyCases(), numberCases(),
		objectCases(), collectionCases(), libraryCases(), orderCases(),
	} {
		all = append(all, cases...)
	}
	return all
}

func variableCases() []evalCase {
	return []evalCase{
		isTrue(`true`),
		isFalse(`false`),
		isTrue(`subject.type == "user" && subject.id == "user-1"`),
		isTrue(`subject.email == "ann@acme.com" && subject.email_verified`),
		isTrue(`subject.groups == ["engineering", "ops"] && subject.roles == ["editor"]`),
		isTrue(`subject.properties.level == 5`),
		isTrue(`resource.type == "document" && resource.id == "doc-1"`),
		isTrue(`resource.properties.owner_id == subject.id`),
		isFalse(`resource.properties.owner_id != subject.id`),
		isTrue(`action.name == "update" && !action.properties.dry_run`),
		isTrue(`scope == "org:acme/team:web" && scope.startsWith("org:acme")`),
		isTrue(`now == timestamp("2026-11-22T12:30:00Z")`),
		isTrue(`now.getHours() == 12 && now.getFullYear() == 2026`),
		isTrue(`context.mfa`),
		isTrue("resource.properties.`a-b` == 'dash'"),
		isTrue(`resource.properties["a-b"] == "dash"`),
		isTrue(`resource.properties.labels.a == "1"`),
		fails(`context.ip`, "not true or false"),
		fails(`context.ip && true`, "no such overload"),
	}
}

func cerbosCases() []evalCase {
	return []evalCase{
		isTrue(`request.resource.attr.owner_id == request.principal.id`),
		isTrue(`R.attr.owner_id == P.id && R.kind == "document" && R.id == "doc-1"`),
		isTrue(`"editor" in P.roles && P.attr.level == 5`),
		isTrue(`request.principal == P && request.resource == R`),
		isTrue(`request.auxData.jwt.iss == "https://id.acme.com" && has(request.aux_data.jwt.iss)`),
		isTrue(`request.auxData == request.aux_data && dyn(request.auxData).jwt.level > 2`),
		isFalse(`has(request.auxData.jwt.roles)`),
		fails(`request.auxData.jwt.roles == []`, "no such key: roles"),
		isTrue(`now() == now`),
		isTrue(`[1].all(now, now == 1 && now().getFullYear() == 2026)`),
		isTrue(`timeSince(timestamp(context.at)) > duration("7000h")`),
		isTrue(`timestamp(context.at).timeSince() < duration("8000h")`),
		isTrue(`hasIntersection(P.attr.teams, R.attr.teams)`),
		isTrue(`P.attr.teams.has_intersection(["b"])`),
		isFalse(`P.attr.teams.hasIntersection(["x"])`),
		isTrue(`isSubset(["a"], P.attr.teams) && ["b"].is_subset(P.attr.teams)`),
		isFalse(`P.attr.teams.isSubset(["a"])`),
		isTrue(`intersect(P.attr.teams, R.attr.teams) == ["b"]`),
		isTrue(`P.attr.teams.except(R.attr.teams) == ["a"]`),
		isTrue(`context.ip.inIPAddrRange("10.0.0.0/8")`),
		isTrue(`"::ffff:10.1.1.1".inIPAddrRange("10.0.0.0/8")`),
		isFalse(`context.ip.inIPAddrRange("192.168.0.0/16")`),
		fails(`context.ip.inIPAddrRange("10.0.0.0")`, "no '/'"),
		fails(`subject.id.inIPAddrRange("10.0.0.0/8")`, "unable to parse IP"),
	}
}

func missingKeyCases() []evalCase {
	return []evalCase{
		fails(`context.country == "XX"`, "no such key: country"),
		fails(`subject.properties.a.b == 1`, "no such key: a"),
		fails(`!context.country`, "no such key"),
		isFalse(`has(context.country) && context.country == "XX"`),
		isTrue(`has(context.mfa) && context.mfa`),
		isTrue(`!has(resource.properties.nothing)`),
		isTrue(`has(subject.properties.none) && subject.properties.none == null`),
		isFalse(`context.country == "XX" && false`),
		isTrue(`context.country == "XX" || true`),
		fails(`context.country == "XX" || false`, "no such key"),
		isTrue(`has(subject.email) && has(subject.groups) && has(subject.properties) && has(resource.id)`),
		isTrue(`context.?country.orValue("DE") == "DE"`),
		isFalse(`context[?"country"].hasValue()`),
		isTrue(`"mfa" in context && !("country" in context)`),
		isTrue(`has(subject.id) == has(subject.email)`),
		isFalse(`has(context.mfa) == has(context.country)`),
		isTrue(`has(context.mfa) != has(context.country)`),
		fails(`resource.properties.teams[5] == "x"`, "index out of bounds"),
	}
}

func numberCases() []evalCase {
	return []evalCase{
		isTrue(`resource.properties.count == 5`),
		isTrue(`resource.properties.count == 5.0 && resource.properties.count == 5u`),
		isTrue(`resource.properties.count > 4 && resource.properties.count <= 5`),
		isTrue(`resource.properties.size > 1 && resource.properties.size < 2`),
		isTrue(`5 == resource.properties.count && 4 < resource.properties.count`),
		isTrue(`resource.properties.count in [1, 3, 5]`),
		isTrue(`int(resource.properties.count) + 1 == 6`),
		isTrue(`1 < 1.5 && 2u > 1`),
		fails(`resource.properties.count + 1 == 6`, "no such overload"),
		isFalse(`resource.properties.owner_id == 5`),
		isFalse(`resource.properties.count == "5"`),
		fails(`resource.properties.owner_id > 5`, "no such overload"),
		fails(`1 / 0 == 1`, "division by zero"),
	}
}

func objectCases() []evalCase {
	return []evalCase{
		isTrue(`subject == subject && resource == resource && action == action && request == request`),
		isFalse(`subject != subject`),
		isFalse(`dyn(subject) == dyn(resource)`),
		isTrue(`type(subject) == rolecall.Subject && type(R) != rolecall.Resource`),
		isTrue(`type(context) == map && type(scope) == string && type(now) == google.protobuf.Timestamp`),
		isTrue(`dyn(subject).id == "user-1" && dyn(subject)["id"] == "user-1"`),
		isTrue(`has(dyn(subject).id)`),
		fails(`dyn(subject).nothing == 1`, "no such field"),
		fails(`has(dyn(subject).nothing)`, "no such field"),
		fails(`dyn(subject)[1] == 1`, "no such overload"),
		isTrue(`[subject].exists(s, s.id == "user-1") && {"s": subject}.s.id == "user-1"`),
		isTrue(`[subject][0].properties.level == 5`),
		isTrue(`cel.bind(s, subject, s.id == "user-1")`),
		isTrue(`optional.of(subject).id.orValue("") == "user-1"`),
		isTrue(`subject in [subject]`),
		fails(`dyn(subject) > 1`, "no such overload"),
		fails(`dyn(subject).size() == 1`, "no such overload"),
		fails(`"%s".format([dyn(subject)]) == ""`, "error during formatting"),
		fails(`dyn(subject) + 1 == 2`, "no such overload"),
		fails(`dyn(subject).all(x, true)`, "expected iterable type"),
	}
}

func collectionCases() []evalCase {
	return []evalCase{
		isTrue(`size(subject.groups) == 2 && subject.groups.size() == 2`),
		isTrue(`"ops" in subject.groups && !("sales" in subject.groups)`),
		isFalse(`dyn(1) in subject.groups`),
		isTrue(`resource.properties.owner_id in ["user-1", "user-2"]`),
		isFalse(`resource.properties.owner_id in ["user-2"]`),
		isFalse(`resource.properties.count in ["5"]`),
		isFalse(`dyn(b"user-2") in ["user-2"]`),
		isFalse(`dyn([1]) in ["user-2"]`),
		isTrue(`subject.groups.exists(g, g == "ops") && subject.groups.all(g, g != "")`),
		isTrue(`subject.groups.exists_one(g, g.startsWith("e"))`),
		isTrue(`subject.groups.filter(g, g != "ops") == ["engineering"]`),
		isTrue(`subject.groups.map(g, g.size()) == [11, 3]`),
		isTrue(`(subject.groups + subject.roles) == ["engineering", "ops", "editor"]`),
		isTrue(`("a" + "b") == "ab" && (b"a" + b"b") == b"ab" && 1 + 2 == 3`),
		isTrue(`subject.properties.teams[1] == "b"`),
		isTrue(`sets.contains(subject.properties.teams, ["a"]) && sets.intersects(subject.groups, ["ops"])`),
		isTrue(`resource.properties.labels == {"c": "3", "b": "2", "a": "1"}`),
		isTrue(`resource.properties.labels.all(k, resource.properties.labels[k] != "")`),
		isTrue(`resource.properties.labels.exists(k, v, k == "b" && v == "2")`),
		isTrue(`resource.properties.labels.transformMap(k, v, int(v)) == {"a": 1, "b": 2, "c": 3}`),
		fails(`context.mfa.all(x, true)`, "expected iterable type"),
	}
}

// orderCases go through maps, whose order in Go is random.
func orderCases() []evalCase {
	return []evalCase{
		isTrue(`resource.properties.labels.map(k, k) == ["a", "b", "c"]`),
		isTrue(`{"b": 1, "a": 2, "d": 3, "c": 4}.map(k, k) == ["a", "b", "c", "d"]`),
		isTrue(`{2: "", 1: "", true: "", "x": ""}.map(k, k) == [true, 1, 2, "x"]`),
		isTrue(`resource.properties.labels.transformList(k, v, v) == ["1", "2", "3"]`),
		isTrue(`[resource.properties][0].labels.map(k, k) == ["a", "b", "c"]`),
		isTrue(`(true ? resource.properties.labels : {}).map(k, k) == ["a", "b", "c"]`),
		isTrue(`resource.properties.labels.transformMap(k, v, v + k).map(k, k) == ["a", "b", "c"]`),
		isTrue(`cel.bind(m, resource.properties.labels, m.map(k, m[k])) == ["1", "2", "3"]`),
	}
}

func libraryCases() []evalCase {
	return []evalCase{
		isTrue(`"AbC".lowerAscii() == "abc" && "a,b".split(",") == ["a", "b"] && ["a", "b"].join("-") == "a-b"`),
		isTrue(`"hello".replace("l", "L", 1) == "heLlo" && "hello".substring(1, 3) == "el" && " x ".trim() == "x"`),
		isTrue(`"%s is %d".format([subject.id, 5]) == "user-1 is 5"`),
		isTrue(`subject.email.matches("^[a-z]+@acme[.]com$") && !subject.id.matches("^x")`),
		isTrue(`subject.email.matches("@" + "acme")`),
		isTrue(`matches(subject.id, "user")`),
		isTrue(`regex.replace("a1b2", "[0-9]", "") == "ab" && regex.extract("a1", "([0-9])").value() == "1"`),
		isTrue(`"a1b2".find("[0-9]") == "1" && "a1b2".findAll("[0-9]") == ["1", "2"]`),
		fails(`subject.id.matches(context.ip + "(")`, "missing closing )"),
		isTrue(`math.greatest(1, 2, 3) == 3 && math.abs(-1) == 1`),
		isTrue(`base64.decode(base64.encode(b"x")) == b"x"`),
		isTrue(`[3, 1, 2].sort() == [1, 2, 3] && [1, 1].distinct() == [1] && [[1], [2]].flatten() == [1, 2]`),
		isTrue(`lists.range(3) == [0, 1, 2] && [1, 2, 3].slice(1, 2) == [2] && [1, 2].reverse() == [2, 1]`),
		isTrue(`subject.groups.sortBy(g, g.size()) == ["ops", "engineering"]`),
		isTrue(`[1, 2].sum() == 3 && [1, 2].max() == 2 && [1, 2].isSorted() && [1, 2].indexOf(2) == 1`),
		isTrue(`cidr("10.0.0.0/8").containsIP(context.ip) && ip("::1").family() == 6 && isIP(context.ip)`),
		isTrue(`quantity("1Gi").isGreaterThan(quantity("1Mi")) && quantity("1e3") == quantity("1k")`),
		isTrue(`semver("1.2.3").isLessThan(semver("1.10.0"))`),
		isTrue(`url("https://acme.com:443/x").getHostname() == "acme.com"`),
		isTrue(`format.dns1123Label().validate("A").hasValue() && !format.dns1123Label().validate("a").hasValue()`),
		isTrue(`has({"a": 1}.a) && optional.none().orValue(1) == 1`),
		isTrue(`duration("90m") == duration("1h") + duration("30m") && timestamp(0) < now`),
	}
}

func TestEval(t *testing.T) {
	env, r := newEnv(t), newRequest()
	for _, tt := range evalCases() {
		t.Run(tt.text, func(t *testing.T) {
			b := expr.NewBudget()
			got, err := compileWith(t, env, tt.text).Eval(r, &b)
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Fatalf("got error %v, want %q", err, tt.err)
			}
			if got != tt.want {
				t.Errorf("got %t, want %t", got, tt.want)
			}
		})
	}
}

// A request that says nothing but what it must, with maps and lists that are
// nil.
func TestEvalOfAnEmptyRequest(t *testing.T) {
	env := newEnv(t)
	r := &authz.Request{
		Subject: authz.Subject{Type: "user", ID: "u"}, Action: authz.Action{Name: "read"},
		Resource: authz.Resource{Type: "document"}, Time: newRequest().Time,
	}
	for _, tt := range []evalCase{
		isTrue(`!has(context.mfa) && !has(subject.properties.x) && !has(R.attr.x) && !has(action.properties.x)`),
		isTrue(`!has(subject.email) && !has(subject.email_verified) && !has(subject.groups) && !has(subject.properties) && !has(resource.id)`),
		isTrue(`subject.email == "" && resource.id == "" && scope == "" && !subject.email_verified`),
		isTrue(`subject.groups == [] && size(subject.roles) == 0 && !("x" in subject.groups)`),
		isTrue(`context == {} && subject.properties == {} && size(context) == 0 && !("x" in context)`),
		isTrue(`context.all(k, false) && subject.groups.all(g, false) && context.map(k, k) == []`),
		isTrue(`context.?x.orValue(1) == 1`),
		isTrue(`subject == subject && request.principal == P`),
		fails(`context.mfa`, "no such key: mfa"),
		fails(`subject.properties.x == 1`, "no such key: x"),
		fails(`context["x"] == 1`, "no such key: x"),
	} {
		b := expr.NewBudget()
		got, err := compileWith(t, env, tt.text).Eval(r, &b)
		if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: got %t, %v, want %t, %q", tt.text, got, err, tt.want, tt.err)
		}
	}
}

type outcome struct {
	Value bool
	Err   string
	Left  uint64
}

func evaluate(p *expr.Program, r *authz.Request) outcome {
	b := expr.NewBudget()
	v, err := p.Eval(r, &b)
	if err != nil {
		return outcome{Value: v, Err: err.Error(), Left: b.Left()}
	}
	return outcome{Value: v, Left: b.Left()}
}

func TestEqualEvaluationsHaveEqualOutcomes(t *testing.T) {
	env, r := newEnv(t), newRequest()
	for _, tt := range evalCases() {
		p := compileWith(t, env, tt.text)
		want := evaluate(p, r)
		for range 20 {
			if diff := cmp.Diff(want, evaluate(p, newRequest())); diff != "" {
				t.Errorf("%s: %s", tt.text, diff)
			}
		}
	}
}

func TestEvalIsSafeForConcurrentUse(t *testing.T) {
	env, r := newEnv(t), newRequest()
	var wg sync.WaitGroup
	for _, tt := range evalCases() {
		p := compileWith(t, env, tt.text)
		want := evaluate(p, r)
		for range 4 {
			wg.Go(func() {
				if diff := cmp.Diff(want, evaluate(p, r)); diff != "" {
					t.Errorf("%s: %s", tt.text, diff)
				}
			})
		}
	}
	wg.Wait()
}

func TestFailing(t *testing.T) {
	want := errors.New("no good")
	p := expr.Failing(want)
	b := expr.NewBudget()
	if ok, err := p.Eval(newRequest(), &b); ok || !errors.Is(err, want) {
		t.Errorf("got %t, %v", ok, err)
	}
	if p.Text() != "" || p.MaxCost() != 0 || len(p.Unguarded()) > 0 {
		t.Errorf("got %q, %d, %v, want nothing", p.Text(), p.MaxCost(), p.Unguarded())
	}
}
