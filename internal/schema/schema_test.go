// SPDX-License-Identifier: Apache-2.0

package schema_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/schema"
)

func parse(t *testing.T, text string) *schema.Schema {
	t.Helper()
	s, faults := schema.Parse(toJSON(t, text))
	if len(faults) > 0 {
		t.Fatalf("%s: %v", text, faults)
	}
	return s
}

func toJSON(t *testing.T, text string) []byte {
	t.Helper()
	text2, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return text2
}

const document = `
type: object
required: [owner]
properties:
  owner: {type: string, minLength: 2, maxLength: 5, pattern: "^[a-z]*$"}
  size: {type: integer, minimum: 1, maximum: 9}
  ratio: {type: number, multipleOf: 0.5}
  public: {type: boolean}
  stage: {type: string, enum: [draft, final]}
  until: {type: string, format: date, nullable: true}
  tags: {type: array, minItems: 1, maxItems: 2, items: {type: string}}
  team: {type: object, required: [name], properties: {name: {type: string}}}
  labels: {type: object, maxProperties: 1, additionalProperties: {type: string}}
  "a.b": {type: string}
  port: {x-kubernetes-int-or-string: true}
  free: {}
`

func TestMisfits(t *testing.T) {
	s := parse(t, strings.Replace(document, "free: {}", "free: {x-kubernetes-preserve-unknown-fields: true}", 1))
	for text, want := range map[string]string{
		`{owner: ann}`: "",
		`{owner: ann, size: 1, ratio: 2.5, public: true, stage: draft, until: null, tags: [x], team: {name: b}, labels: {k: v}, "a.b": c, port: 7, free: {x: [1, {y: null}]}}`: "",
		`{owner: ann, size: 2.0, port: http, until: "2026-06-15"}`: "",
		`{}`:                                     `owner: is required`,
		`{owner: null}`:                          `owner (owner): must be of type string`,
		`{owner: a}`:                             `owner (owner): should be at least 2 chars long`,
		`{owner: secret}`:                        `owner (owner): may not be more than 5 bytes`,
		`{owner: Ann}`:                           `owner (owner): should match '^[a-z]*$'`,
		`{owner: 7}`:                             `owner (owner): must be of type string`,
		`{owner: ann, size: 0}`:                  `size (size): should be greater than or equal to 1`,
		`{owner: ann, size: 10}`:                 `size (size): should be less than or equal to 9`,
		`{owner: ann, size: 1.5}`:                `size (size): must be of type integer`,
		`{owner: ann, size: "1"}`:                `size (size): must be of type integer`,
		`{owner: ann, ratio: 0.3}`:               `ratio (ratio): should be a multiple of 0.5`,
		`{owner: ann, public: "yes"}`:            `public (public): must be of type boolean`,
		`{owner: ann, stage: secret}`:            `stage (stage): must be one of the supported values: "draft", "final"`,
		`{owner: ann, until: secret}`:            `until (until): must be of type date`,
		`{owner: ann, tags: []}`:                 `tags (tags): should have at least 1 items`,
		`{owner: ann, tags: [a, b, c]}`:          `tags (tags): must have at most 2 items`,
		`{owner: ann, tags: [a, 1]}`:             `tags[1] (tags): must be of type string`,
		`{owner: ann, team: {}}`:                 `team.name (team): is required`,
		`{owner: ann, team: {name: b, lead: c}}`: `team.lead (team): is not in the schema`,
		`{owner: ann, labels: {a: b, c: d}}`:     `labels (labels): must have at most 1 item`,
		`{owner: ann, labels: {a: 1}}`:           `labels.a (labels): must be of type string`,
		`{owner: ann, "a.b": 1}`:                 `a.b (a.b): must be of type string`,
		`{owner: ann, ownr: secret}`:             `ownr (ownr): is not in the schema (did you mean "owner"?)`,
		`{owner: ann, size: 0, ownr: x}`:         "ownr (ownr): is not in the schema (did you mean \"owner\"?)\nsize (size): should be greater than or equal to 1",
	} {
		var properties map[string]any
		if err := json.Unmarshal(toJSON(t, text), &properties); err != nil {
			t.Fatal(err)
		}
		before := fmt.Sprint(properties)
		got := told(s.Misfits(properties))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
		if strings.Contains(got, "secret") {
			t.Errorf("%s: the value is told: %s", text, got)
		}
		if fmt.Sprint(properties) != before {
			t.Errorf("%s: the properties are changed", text)
		}
	}
}

// TestPartMisfits: what is missing may come from elsewhere.
func TestPartMisfits(t *testing.T) {
	s := parse(t, `{type: object, required: [owner], minProperties: 2, anyOf: [{required: [a]}, {required: [b]}], properties: {owner: {type: string}, a: {type: string}, b: {type: string}}}`)
	if got := told(s.PartMisfits(map[string]any{"a": 1.0})); got != "a (a): must be of type string" {
		t.Errorf("a part: %s", got)
	}
	if got := told(s.Misfits(map[string]any{"owner": "x", "a": "y"})); got != "" {
		t.Errorf("the whole: %s", got)
	}
	if got := s.Misfits(nil); len(got) < 3 {
		t.Errorf("nothing at all: %v", got)
	}
}

func told(misfits []authz.Misfit) string {
	var lines []string
	for _, m := range misfits {
		line := m.Path
		if m.Property != "" {
			line += " (" + m.Property + ")"
		}
		lines = append(lines, line+": "+m.Problem)
	}
	return strings.Join(lines, "\n")
}

// TestBounds: a schema has an end.
func TestBounds(t *testing.T) {
	deep := strings.Repeat(`{"type":"object","properties":{"a":`, 17) + `{"type":"string"}` + strings.Repeat(`}}`, 17)
	var wide strings.Builder
	for i := range 1001 {
		fmt.Fprintf(&wide, `"p%d":{"type":"string"},`, i)
	}
	for name, text := range map[string]string{
		"too deep": deep,
		"too wide": `{"type":"object","properties":{` + strings.TrimSuffix(wide.String(), ",") + `}}`,
		"no JSON":  `{`,
		"a list":   `[]`,
		"null":     `null`,
	} {
		if s, faults := schema.Parse([]byte(text)); s != nil || len(faults) != 1 {
			t.Errorf("%s: %d faults: %v", name, len(faults), faults)
		}
	}
}

// FuzzParse: whatever stands for a schema, it is one or has faults, and judges
// itself as an object without falling over.
func FuzzParse(f *testing.F) {
	text, err := yaml.YAMLToJSON([]byte(strings.Replace(document, "free: {}", "free: {x-kubernetes-preserve-unknown-fields: true}", 1)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"type":"object","allOf":[{"not":{"required":["a"]}}],"additionalProperties":{"type":"array","items":{"type":"number"}}}`))
	f.Add([]byte(`{"properties":{"a":{"$ref":"#"}},"enum":[null]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, faults := schema.Parse(text)
		if (s == nil) == (len(faults) == 0) {
			t.Fatalf("a schema %v with the faults %v", s, faults)
		}
		if s == nil {
			return
		}
		var properties map[string]any
		if err := json.Unmarshal(text, &properties); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s.Misfits(properties), s.Misfits(properties)); diff != "" {
			t.Errorf("another time (-first +second):\n%s", diff)
		}
		s.PartMisfits(properties)
	})
}

// TestPlainFits: the short cut is never taken where the long way ends otherwise. A
// part of a whole has the long way alone.
func TestPlainFits(t *testing.T) {
	values := []string{
		`null`, `true`, `"draft"`, `"other"`, `0`, `7`, `7.5`, `1e300`, `9007199254740993`, `[]`, `["a"]`, `[1]`, `[null]`, `{}`, `{"name": "b"}`,
		`{"name": null}`, `{"name": 1}`, `{"name": "b", "more": 1}`,
	}
	fits := 0
	for _, text := range []string{
		`{type: boolean}`, `{type: string}`, `{type: string, nullable: true}`, `{type: string, enum: [draft, final]}`,
		`{type: string, nullable: true, enum: [draft]}`, `{type: string, nullable: true, enum: [draft, null]}`, `{type: integer, enum: [7]}`,
		`{type: number}`, `{type: integer}`, `{type: integer, minimum: 1}`, `{type: integer, format: int32}`, `{type: string, pattern: "^d"}`,
		`{type: array, items: {type: string}}`, `{type: array, items: {type: string, nullable: true}}`, `{type: array, maxItems: 0, items: {type: string}}`,
		`{type: object}`, `{type: object, properties: {name: {type: string}}}`, `{type: object, required: [name], properties: {name: {type: string}}}`,
		`{type: object, nullable: true, properties: {name: {type: string}}}`, `{type: object, additionalProperties: {type: string}}`,
		`{type: object, x-kubernetes-preserve-unknown-fields: true}`, `{x-kubernetes-int-or-string: true}`, `{x-kubernetes-preserve-unknown-fields: true}`,
		`{type: object, not: {required: [name]}, properties: {name: {type: string}}}`, `{type: string, anyOf: [{enum: [draft]}, {maxLength: 1}]}`,
	} {
		s := parse(t, `{type: object, properties: {p: `+text+`}}`)
		for _, value := range values {
			var properties map[string]any
			if err := json.Unmarshal([]byte(`{"p": `+value+`}`), &properties); err != nil {
				t.Fatal(err)
			}
			short, long := s.Misfits(properties), s.PartMisfits(properties)
			if diff := cmp.Diff(long, short); diff != "" {
				t.Errorf("%s of %s (-the long way +the short one):\n%s", value, text, diff)
			}
			if len(long) == 0 {
				fits++
			}
		}
	}
	if fits < 60 {
		t.Errorf("%d values fit: too little to prove something", fits)
	}
}

func BenchmarkMisfits(b *testing.B) {
	text, err := yaml.YAMLToJSON([]byte(`{type: object, required: [owner], properties: {
	  owner: {type: string}, size: {type: integer, minimum: 1}, public: {type: boolean}, stage: {type: string, enum: [draft, final]},
	  team: {type: object, properties: {name: {type: string}}}}}`))
	if err != nil {
		b.Fatal(err)
	}
	s, _ := schema.Parse(text)
	for name, properties := range map[string]map[string]any{
		"plain":   {"owner": "ann", "public": true, "stage": "draft", "team": map[string]any{"name": "blue"}},
		"bounded": {"owner": "ann", "size": 1.0, "team": map[string]any{"name": "blue"}},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Misfits(properties)
			}
		})
	}
}
