// SPDX-License-Identifier: Apache-2.0

package ijson_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/wire/ijson"
)

// thing is what the tests know of a text.
type thing struct {
	Text    string
	HasText bool
	Truth   bool
	Names   []string
	Inner   *thing
	Free    map[string]any
	Any     any
	Raw     string
}

func read(s *ijson.Scanner) *thing {
	if !s.Object() {
		return nil
	}
	t := &thing{}
	for s.Member() {
		switch s.Name() {
		case "text":
			t.Text, t.HasText = s.Text()
		case "truth":
			t.Truth = s.Truth()
		case "names":
			if s.Array() {
				for s.Element() {
					name, _ := s.Text()
					t.Names = append(t.Names, name)
				}
			}
		case "inner":
			t.Inner = read(s)
		case "free":
			t.Free = s.Map(nil)
		case "any":
			t.Any = s.Value()
		case "raw":
			t.Raw = s.Raw()
		default:
			s.Skip()
		}
	}
	return t
}

func TestScanner(t *testing.T) {
	tests := map[string]struct {
		text string
		want *thing
	}{
		"null":               {" null ", nil},
		"an empty object":    {"\t{ }\r\n", &thing{}},
		"what is known":      {`{"text":"a","truth":true,"names":["b", "c"]}`, &thing{Text: "a", HasText: true, Truth: true, Names: []string{"b", "c"}}},
		"null for each":      {`{"text":null,"truth":null,"names":null,"inner":null,"free":null,"any":null}`, &thing{}},
		"false and empty":    {`{"text":"","truth":false,"names":[],"inner":{},"free":{},"any":[]}`, &thing{HasText: true, Inner: &thing{}, Free: map[string]any{}, Any: []any{}}},
		"what is not known":  {`{"x":[1,{"text":2}],"y":"z","inner":{"inner":{"text":"a","z":-1.5e-7}}}`, &thing{Inner: &thing{Inner: &thing{Text: "a", HasText: true}}}},
		"a raw value":        {`{"raw" : {"a": [1, 2 ]} ,"truth":true}`, &thing{Raw: `{"a": [1, 2 ]}`, Truth: true}},
		"escapes":            {`{"\u0074ext":"\"\\\/\b\f\n\r\t\u00e4\ud83d\ude00"}`, &thing{Text: "\"\\/\b\f\n\r\tä😀", HasText: true}},
		"other letters":      {`{"Text":"a","TRUTH":true}`, &thing{}},
		"free values":        {`{"free":{"a":[null,true,"x",{"b":-0.5}]}}`, &thing{Free: map[string]any{"a": []any{nil, true, "x", map[string]any{"b": -0.5}}}}},
		"any value":          {`{"any":12345678901234567890}`, &thing{Any: 12345678901234567890.0}},
		"numbers nobody has": {`{"x":1e999}`, &thing{}},
	}
	var s ijson.Scanner
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s.Reset(tt.text)
			got := read(&s)
			if err := s.End(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("read (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	tests := map[string]struct {
		text string
		kind ijson.Kind
		want string
	}{
		"nothing":                        {"", ijson.Syntax, "the body is not JSON: byte 0: the text ends where a value should be"},
		"white space":                    {" \n", ijson.Syntax, "the body is not JSON: byte 2: the text ends where a value should be"},
		"a byte order mark":              {"\xef\xbb\xbf{}", ijson.Syntax, `the body is not JSON: byte 0: '\ufeff' where a value should be`},
		"half an object":                 {`{"text":`, ijson.Syntax, "the body is not JSON: byte 8: the text ends where a value should be"},
		"no name":                        {`{text:1}`, ijson.Syntax, "the body is not JSON: byte 1: 't' where a member's name should be"},
		"no colon":                       {`{"text" "a"}`, ijson.Syntax, `the body is not JSON: byte 8: '"' where a colon should be`},
		"no comma":                       {`{"text":"a" "b":1}`, ijson.Syntax, `the body is not JSON: byte 12: '"' where a comma or } should be`},
		"a comma at the end of a list":   {`{"names":["a",]}`, ijson.Syntax, "the body is not JSON: byte 14: ']' where a value should be"},
		"no comma in a list":             {`{"names":["a" "b"]}`, ijson.Syntax, `the body is not JSON: byte 14: '"' where a comma or ] should be`},
		"a list without an end":          {`{"names":[`, ijson.Syntax, "the body is not JSON: byte 10: the text ends where a value or ] should be"},
		"more after the end":             {`{}{}`, ijson.Syntax, "the body is not JSON: byte 2: '{' where the end should be"},
		"a text without an end":          {`{"text":"abc`, ijson.Syntax, "the body is not JSON: byte 12: the text ends within a string"},
		"a backslash at the end":         {`{"text":"abc\`, ijson.Syntax, "the body is not JSON: byte 13: the text ends within a string"},
		"an unknown escape":              {`{"text":"\x41"}`, ijson.Syntax, "the body is not JSON: byte 9: an escape that JSON does not know"},
		"an escape without its digits":   {`{"text":"\u12"}`, ijson.Syntax, `the body is not JSON: byte 9: \u must be followed by four hexadecimal digits`},
		"half a pair":                    {`{"text":"\ud83d!"}`, ijson.Syntax, "the body is not JSON: byte 9: half a surrogate pair"},
		"a line break in a text":         {"{\"text\":\"\n\"}", ijson.Syntax, "the body is not JSON: byte 9: a control character in a string must be spelled as an escape"},
		"what is not UTF-8":              {"{\"text\":\"\xc3(\"}", ijson.Syntax, "the body is not JSON: byte 9: invalid UTF-8"},
		"what is not UTF-8, skipped":     {"{\"x\":[\"\xff\"]}", ijson.Syntax, "the body is not JSON: byte 7: invalid UTF-8"},
		"a word":                         {`{"any":nil}`, ijson.Syntax, "the body is not JSON: byte 7: 'n' where a value should be"},
		"a number that ends early":       {`{"any":-}`, ijson.Syntax, "the body is not JSON: byte 8: '}' where a digit should be"},
		"a number with a leading zero":   {`{"any":01}`, ijson.Syntax, "the body is not JSON: byte 8: '1' where a comma or } should be"},
		"a number beyond doubles":        {`{"any":[1,-1e999]}`, ijson.Range, "any[1]: -1e999 is not a number that a double can hold"},
		"another shape of the whole":     {`[1]`, ijson.Shape, "the body must be an object"},
		"no text":                        {`{"text":1}`, ijson.Shape, "text: must be a string"},
		"no truth":                       {`{"inner":{"truth":"true"}}`, ijson.Shape, "inner.truth: must be true or false"},
		"no list":                        {`{"names":{}}`, ijson.Shape, "names: must be an array"},
		"no text in a list":              {`{"names":["a",{"b":1}]}`, ijson.Shape, "names[1]: must be a string"},
		"no map":                         {`{"free":[{}]}`, ijson.Shape, "free: must be an object"},
		"another shape that is no JSON":  {`{"text":[1,}`, ijson.Syntax, "the body is not JSON: byte 11: '}' where a value should be"},
		"a name twice":                   {`{"text":"a","text":"b"}`, ijson.Duplicate, "text: is there twice; member names must be unique"},
		"a name twice, once escaped":     {`{"x":{"a":1,"\u0061":2}}`, ijson.Duplicate, "x.a: is there twice; member names must be unique"},
		"a name twice in a free value":   {`{"free":{"a":[{"b":1},{"b":1,"c":{},"b":2}]}}`, ijson.Duplicate, "free.a[1].b: is there twice; member names must be unique"},
		"a name that is a number, twice": {`{"x":{"0":1,"0":2}}`, ijson.Duplicate, "x.0: is there twice; member names must be unique"},
		"too deep":                       {`{"x":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + "}", ijson.Depth, "the body nests objects and arrays deeper than 64"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var s ijson.Scanner
			s.Reset(tt.text)
			read(&s)
			err := s.End()
			fault, ok := errors.AsType[*ijson.Error](err)
			if !ok || fault.Kind != tt.kind || err.Error() != tt.want {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}

// TestManyNames: names are told apart however many there are, and whatever stands
// between them.
func TestManyNames(t *testing.T) {
	for _, n := range []int{2, 15, 16, 17, 18, 40, 1000} {
		members := make([]string, n)
		for i := range members {
			members[i] = fmt.Sprintf(`"m%d":{"m0":[{"m1":1}],"m%d":2}`, i, i+1)
		}
		object := "{" + strings.Join(members, ",") + "}"
		v, err := value("[" + object + "," + object + "]")
		if list, ok := v.([]any); err != nil || !ok || len(list) != 2 || len(list[1].(map[string]any)) != n {
			t.Errorf("%d members: %v", n, err)
		}
		for _, twice := range []int{0, n / 2, n - 1} {
			name := fmt.Sprintf("m%d", twice)
			_, err := value(`{"a":[7,` + strings.TrimSuffix(object, "}") + `,"` + name + `":1}]}`)
			if want := "a[1]." + name + ": is there twice"; err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("the last of %d members is %s again: %v, want %s", n+1, name, err, want)
			}
		}
	}
}

// TestAScannerKeepsNothing: one text's faults, names and depth are gone with it.
func TestAScannerKeepsNothing(t *testing.T) {
	var s ijson.Scanner
	many := `{"x":{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9,"j":10,"k":11,"l":12,"m":13,"n":14,"o":15,"p":16,"q":17,"r":`
	for _, text := range []string{many, `{"inner":{"text":`, strings.Repeat("[", 70), many + `18,"a":1}}`} {
		s.Reset(text)
		read(&s)
		if s.End() == nil {
			t.Errorf("%.20s… is taken", text)
		}
		s.Reset(`{"x":{"a":1},"inner":{"text":"b"}}`)
		if got := read(&s); s.End() != nil || got.Inner.Text != "b" {
			t.Errorf("after %.20s… came %v, %v", text, got, s.End())
		}
	}
}

// TestAllocations: reading allocates for what it returns, and nothing else.
func TestAllocations(t *testing.T) {
	var s ijson.Scanner
	text := `{"text":"abc","truth":true,"x":{"a":[1,"b",{"c":null}]},"names":[]}`
	got := testing.AllocsPerRun(100, func() {
		s.Reset(text)
		for s.Object(); s.Member(); {
			switch s.Name() {
			case "text":
				s.Text()
			case "truth":
				s.Truth()
			default:
				s.Skip()
			}
		}
		if err := s.End(); err != nil {
			t.Error(err)
		}
	})
	if got != 0 {
		t.Errorf("%v allocations, want none", got)
	}
	b := make([]byte, 0, 100)
	if got := testing.AllocsPerRun(100, func() { b = ijson.AppendText(b[:0], "plain \"and\" not\n") }); got != 0 {
		t.Errorf("writing allocates %v times, want never", got)
	}
}
