// SPDX-License-Identifier: Apache-2.0

package expr_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/expr"
)

var (
	textShape   = &expr.Shape{Kind: expr.TextShape}
	numberShape = &expr.Shape{Kind: expr.NumberShape}
	truthShape  = &expr.Shape{Kind: expr.TruthShape}
)

func objectShape(properties map[string]*expr.Shape) *expr.Shape {
	return &expr.Shape{Kind: expr.ObjectShape, Properties: properties}
}

func listShape(of *expr.Shape) *expr.Shape {
	return &expr.Shape{Kind: expr.ListShape, Items: of}
}

var documentShape = objectShape(map[string]*expr.Shape{
	"owner": textShape, "size": numberShape, "public": truthShape, "tags": listShape(textShape), "sizes": listShape(numberShape),
	"team":    objectShape(map[string]*expr.Shape{"name": textShape, "lead": objectShape(map[string]*expr.Shape{"id": textShape})}),
	"members": listShape(objectShape(map[string]*expr.Shape{"id": textShape, "level": numberShape})),
	"labels":  {Kind: expr.ObjectShape, Others: textShape},
	"counts":  {Kind: expr.ObjectShape, Others: numberShape},
	"open":    {Kind: expr.ObjectShape, Properties: map[string]*expr.Shape{"a": textShape}, Others: &expr.Shape{}},
	"any":     {},
	"until":   {Kind: expr.TextShape, Nullable: true},
	"limit":   {Kind: expr.NumberShape, Nullable: true},
	"maybe":   {Kind: expr.ObjectShape, Nullable: true, Properties: map[string]*expr.Shape{"a": textShape}},
})

// TestMisfits holds what fits, with an empty answer, beside what does not.
func TestMisfits(t *testing.T) {
	env := newEnv(t)
	f := env.Fitter(documentShape)
	for text, want := range map[string]string{
		`true`:                                  "",
		`subject.properties.ownr == subject.id`: "",
		`resource.properties.owner == subject.id`:                                                    "",
		`resource.properties.ownr == subject.id`:                                                     `1:1 there is no property "ownr" (did you mean "owner"?)`,
		`R.attr.ownr == P.id`:                                                                        `1:1 there is no property "ownr" (did you mean "owner"?)`,
		`subject.id == request.resource.attr.zzz`:                                                    `1:15 there is no property "zzz"`,
		`resource.properties["ownr"] == "a"`:                                                         `1:1 there is no property "ownr" (did you mean "owner"?)`,
		`resource.?properties.?ownr.orValue("") == "a"`:                                              "",
		`resource.properties.?ownr.orValue("") == "a"`:                                               `1:1 there is no property "ownr" (did you mean "owner"?)`,
		`resource.properties.?owner.orValue("") == "a"`:                                              "",
		`resource.properties.?team.?nam == optional.of("a")`:                                         `1:1 there is no property "nam" (did you mean "name"?)`,
		`has(resource.properties.ownr) && resource.properties.ownr == "a"`:                           `1:1 there is no property "ownr" (did you mean "owner"?) (guarded)`,
		"scope == \"a\" &&\n resource.properties.ownr == \"a\" && resource.properties.ownr == \"b\"": `2:2 there is no property "ownr" (did you mean "owner"?)`,

		// Objects are maps all the same.
		`resource.properties == {"owner": "a"}`:                        "",
		`size(resource.properties) > 1 && "owner" in R.attr`:           "",
		`resource.properties.all(k, k.startsWith("o"))`:                "",
		`resource.properties[subject.id] == "a"`:                       "",
		`resource.properties.team == {"name": "a"}`:                    "",
		`resource.properties.team.name == "a"`:                         "",
		`resource.properties.team.nam == "a"`:                          `1:1 there is no property "nam" (did you mean "name"?)`,
		`resource.properties.team.lead.id.startsWith("a")`:             "",
		`resource.properties.team.lead.di == "a"`:                      `1:1 there is no property "di" (did you mean "id"?)`,
		`resource.properties.labels.x == "a"`:                          "",
		`resource.properties.labels.x > 1`:                             `1:30 > does not work with (string, int)`,
		`resource.properties.labels == {"a": 1}`:                       `1:28 == does not work with (map(string, string), map(string, int))`,
		`resource.properties.counts == {"a": 1}`:                       "",
		`resource.properties.open.b.c[1].d == "a"`:                     "",
		`resource.properties.open.a > 1`:                               `1:28 > does not work with (string, int)`,
		`resource.properties.any.b == 1 && R.attr.any.startsWith("a")`: "",
		`resource.properties.owner.name == "a"`:                        `1:27 type 'string' does not support field selection`,

		// Types.
		`resource.properties.owner > 1`:                                                   `1:27 > does not work with (string, int)`,
		`resource.properties.owner == 1`:                                                  `1:27 == does not work with (string, int)`,
		`resource.properties.public`:                                                      "",
		`!resource.properties.owner`:                                                      `1:1 ! does not work with (string)`,
		`resource.properties.owner`:                                                       `1:1 the condition is of type string, it must be true or false: compare it with something`,
		`resource.properties.public == "true"`:                                            `1:28 == does not work with (bool, string)`,
		`resource.properties.tags == "a"`:                                                 `1:26 == does not work with (list(string), string)`,
		`"a" in resource.properties.tags`:                                                 "",
		`1 in resource.properties.tags`:                                                   `1:3 in does not work with (int, list(string))`,
		`resource.properties.tags[0] == "a"`:                                              "",
		`resource.properties.tags[0] > 1`:                                                 `1:29 > does not work with (string, int)`,
		`resource.properties.tags.exists(t, t > 1)`:                                       `1:38 > does not work with (string, int)`,
		`resource.properties.owner.exists(t, t == "a")`:                                   `1:21 expression of type 'string' cannot be range of a comprehension (must be list, map, or dynamic)`,
		`resource.properties.until == null || timestamp(resource.properties.until) > now`: "",
		`resource.properties.maybe == null || resource.properties.maybe.b == "a"`:         `1:38 there is no property "b"`,
		`resource.properties.until > 1`:                                                   `1:27 > does not work with (wrapper(string), int)`,

		// Numbers are doubles that are equal to ints.
		`resource.properties.size == 5 && resource.properties.size != 5.5 && 5 == R.attr.size`: "",
		`resource.properties.size > 5 && 5u < resource.properties.size`:                        "",
		`resource.properties.size in [1, 2, 3]`:                                                "",
		`1 in resource.properties.sizes`:                                                       "",
		`resource.properties.sizes == [1, 2]`:                                                  "",
		`resource.properties.tags[resource.properties.size] == "a"`:                            "",
		`(context.a ? resource.properties.size : 0) == 0`:                                      "",
		`sets.contains(resource.properties.sizes, [1, 2])`:                                     "",
		`resource.properties.size + 1 > 5`:                                                     `1:26 + does not work with (double, int)`,
		`1 - resource.properties.size > 5`:                                                     `1:3 - does not work with (int, double)`,
		`resource.properties.size % 2 == 0`:                                                    `1:26 % does not work with (double, int)`,
		`int(resource.properties.size) + 1 > 5`:                                                "",
		`resource.properties.size + 1.0 > 5`:                                                   "",
		`resource.properties.size == "5"`:                                                      `1:26 == does not work with (double, string)`,
		`resource.properties.limit == null || resource.properties.limit > 5`:                   "",

		// Variables of loops.
		`resource.properties.members.exists(m, m.id == subject.id && m.level > 1)`: "",
		`resource.properties.members.exists(m, m.idd == subject.id)`:               `1:39 there is no property "idd" (did you mean "id"?)`,
		`resource.properties.members.exists(m, m.id > 1)`:                          `1:44 > does not work with (string, int)`,
		`resource.properties.members.map(m, m.idd).exists(i, i == "a")`:            `1:36 there is no property "idd" (did you mean "id"?)`,
		`resource.properties.members.exists(i, m, m.level == 1 && i > 0)`:          "",
		`resource.properties.members.exists(i, m, m.levl == 1)`:                    `1:42 there is no property "levl" (did you mean "level"?)`,
		`cel.bind(t, resource.properties.team, t.name == "a" && t.nam == "b")`:     `1:56 there is no property "nam" (did you mean "name"?)`,
		`[{"properties": {"x": 1}}].exists(resource, resource.properties.x == 1)`:  "",
		`[{"idd": 1}].exists(m, m.idd == 1)`:                                       "",
		`resource.properties.tags.exists(m, [{"idd": m}].exists(m, m.idd == "a"))`: "",
	} {
		p, issues := env.Compile(text)
		if len(issues) > 0 {
			t.Errorf("%s: %v", text, issues)
			continue
		}
		for _, again := range []string{"first", "again"} {
			if diff := cmp.Diff(want, told(f.Misfits(p))); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", text, again, diff)
			}
		}
	}
}

func told(misfits []expr.Misfit) string {
	var lines []string
	for _, m := range misfits {
		line := fmt.Sprintf("%d:%d %s", m.Line, m.Column, m.Message)
		if m.Guarded {
			line += " (guarded)"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// FuzzMisfits: whatever a condition says, a Fitter ends, and says the same again.
func FuzzMisfits(f *testing.F) {
	env, err := expr.NewEnv()
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{
		`resource.properties.ownr == subject.id`, `R.attr.members.exists(m, m.idd > 1)`, `cel.bind(t, R.attr.team, t.?nam.hasValue())`,
		`resource.properties["a"][0].b`, `resource.properties.size % 2 + 1 == 0`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, issues := env.Compile(text)
		misfits := env.Fitter(documentShape).Misfits(p)
		if len(issues) > 0 && len(misfits) > 0 {
			t.Errorf("it does not compile, and there is more: %v", misfits)
		}
		if diff := cmp.Diff(misfits, env.Fitter(documentShape).Misfits(p)); diff != "" {
			t.Errorf("another time (-first +second):\n%s", diff)
		}
	})
}
