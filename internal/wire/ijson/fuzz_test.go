// SPDX-License-Identifier: Apache-2.0

package ijson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"regexp"
	"testing"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/rolecall/rolecall/internal/wire/ijson"
)

// value reads a text as one free value.
func value(text string) (any, error) {
	var s ijson.Scanner
	s.Reset(text)
	v := s.Value()
	return v, s.End()
}

// kindOf returns the kind of the fault of a text, or 0.
func kindOf(err error) ijson.Kind {
	if fault, ok := errors.AsType[*ijson.Error](err); ok {
		return fault.Kind
	}
	return 0
}

// FuzzEncodingJSON: what is taken means the same to encoding/json; what is refused
// although encoding/json takes it, is refused for a reason that the package states.
func FuzzEncodingJSON(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := value(string(text))
		var want any
		wantErr := json.Unmarshal(text, &want)
		if err == nil {
			if wantErr != nil {
				t.Fatalf("taken as %v; encoding/json refuses it: %v", got, wantErr)
			}
			if !same(want, got) {
				t.Fatalf("read as %#v, encoding/json reads %#v", got, want)
			}
			return
		}
		if wantErr == nil && !strict(text, kindOf(err)) {
			t.Fatalf("refused, and that is not among what is stated: %v", err)
		}
	})
}

// same compares free values, to the sign of zero.
func same(a, b any) bool {
	switch a := a.(type) {
	case float64:
		b, ok := b.(float64)
		return ok && math.Float64bits(a) == math.Float64bits(b)
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) || (a == nil) != (b == nil) {
			return false
		}
		for i := range a {
			if !same(a[i], b[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) || (a == nil) != (b == nil) {
			return false
		}
		for name := range a {
			if other, ok := b[name]; !ok || !same(a[name], other) {
				return false
			}
		}
		return true
	}
	return a == b
}

var surrogate = regexp.MustCompile(`\\u[dD][89a-fA-F]`)

// strict reports whether a text that encoding/json takes may be refused for a
// fault of this kind.
func strict(text []byte, kind ijson.Kind) bool {
	duplicate, depth := walk(text)
	switch kind {
	case ijson.Duplicate:
		return duplicate
	case ijson.Depth:
		return depth > ijson.MaxDepth
	case ijson.Syntax:
		return !utf8.Valid(text) || surrogate.Match(text)
	default:
		return false
	}
}

// walk goes over a text with the tokens of encoding/json.
func walk(text []byte) (duplicate bool, depth int) {
	type object struct {
		names  map[string]bool // nil is an array
		inside bool            // the name has been read
	}
	var open []object
	for d := json.NewDecoder(bytes.NewReader(text)); ; {
		token, err := d.Token()
		if err == io.EOF {
			return duplicate, depth
		}
		if token == json.Delim('}') || token == json.Delim(']') {
			open = open[:len(open)-1]
			continue
		}
		if n := len(open); n > 0 && open[n-1].names != nil {
			if !open[n-1].inside {
				name := token.(string)
				duplicate = duplicate || open[n-1].names[name]
				open[n-1].names[name] = true
			}
			if open[n-1].inside = !open[n-1].inside; open[n-1].inside {
				continue
			}
		}
		switch token {
		case json.Delim('{'):
			open = append(open, object{names: map[string]bool{}})
		case json.Delim('['):
			open = append(open, object{})
		}
		depth = max(depth, len(open))
	}
}

// FuzzJSONText: what is refused and why is as another strict decoder has it, which
// only lets texts nest deeper.
func FuzzJSONText(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := value(string(text))
		if kindOf(err) == ijson.Depth {
			return
		}
		var want any
		wantErr := jsonv2.Unmarshal(text, &want)
		if kind := kindOf(err); kind != kindOfV2(wantErr) {
			t.Fatalf("error %v, want %v", err, wantErr)
		}
		if err == nil && !same(want, got) {
			t.Fatalf("read as %#v, want %#v", got, want)
		}
		if skip := skip(string(text)); kindOf(skip) != kindOf(err) && kindOf(err) != ijson.Range {
			t.Fatalf("skipping it ends with %v, reading it with %v", skip, err)
		}
	})
}

func kindOfV2(err error) ijson.Kind {
	if err == nil {
		return 0
	}
	if _, ok := errors.AsType[*jsonv2.SemanticError](err); ok {
		return ijson.Range // every other value fits a free one
	}
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return ijson.Duplicate
	}
	return ijson.Syntax
}

func skip(text string) error {
	var s ijson.Scanner
	s.Reset(text)
	s.Skip()
	return s.End()
}

// FuzzAppendText: what is written is the shortest spelling of what is read back.
func FuzzAppendText(f *testing.F) {
	for _, text := range []string{"", "plain", "\"\\/\b\f\n\r\t\x00\x1f\x7f", "ä€😀\ufffd\u2028", "\xff\xc3(\xed\xa0\x80"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := ijson.AppendText([]byte("before"), text)
		want, _ := jsontext.AppendQuote([]byte("before"), text)
		if !bytes.Equal(got, want) {
			t.Fatalf("written as %s, want %s", got, want)
		}
	})
}

func seed(f *testing.F) {
	f.Helper()
	for _, text := range []string{
		``, ` `, `null`, ` true `, `false`, `nul`, `truex`, `0`, `-0`, `01`, `-`, `1.`, `.5`, `1.5e+3`, `1E-7`, `1e`, `1e999`, `-1e999`,
		`123456789012345678901234567890`, `4.9e-324`, `1e-999`, `9007199254740993`, `1_0`, `0x1`, `Infinity`, `NaN`, `+1`,
		`""`, `"a`, `"\u0061\n\/"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ude00"`, `"\ud83d\u0061"`, `"\uD83D\uDE00"`, `"\u00"`, `"\x"`, "\"\t\"", "\"\xff\"", "\"ä\"",
		`[]`, `[1,]`, `[,1]`, `[1 2]`, `[1,[2,{"a":[]}]]`, `[`, `]`, `{}`, `{"a":1,}`, `{,}`, `{"a"}`, `{"a":}`, `{a:1}`, `{"a":1 "b":2}`, `{"a":1}}`,
		`{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"a":{"b":1},"b":2}`, `{"":1,"":2}`, "\xef\xbb\xbf{}", `{}{}`, `[{"a":1,"b":{"c":1,"c":2}}]`,
		`{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9,"j":10,"k":11,"l":12,"m":13,"n":14,"o":15,"p":16,"q":{"a":[1]},"r":18,"a":19}`,
		`[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]`,
		`[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]`,
	} {
		f.Add([]byte(text))
	}
}
