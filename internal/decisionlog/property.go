// SPDX-License-Identifier: Apache-2.0

package decisionlog

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/wire/ijson"
)

const (
	// masked and tooLong stand in place of values.
	masked  = `"[masked]"`
	tooLong = `"[too long]"`
	// maxIncluded is how long the properties of one decision may be together in
	// bytes of JSON.
	maxIncluded = 4 << 10
)

// property is a path of the configuration.
type property struct {
	path string
	root func(*authz.Request) map[string]any
	keys []string
	mask *mask
}

// mask says what is masked of a value: all of it, or something below. A nil mask
// masks nothing.
type mask struct {
	all   bool
	below map[string]*mask
}

// roots are what the path of a property begins with.
var roots = map[string]func(*authz.Request) map[string]any{
	"context":             func(r *authz.Request) map[string]any { return r.Context },
	"subject.properties":  func(r *authz.Request) map[string]any { return r.Subject.Properties },
	"action.properties":   func(r *authz.Request) map[string]any { return r.Action.Properties },
	"resource.properties": func(r *authz.Request) map[string]any { return r.Resource.Properties },
}

// properties returns what a valid configuration includes, in its order.
func properties(c *configv1alpha1.LoggedProperties) []property {
	var all []property
	for _, path := range c.Include {
		p := property{path: path}
		for name, root := range roots {
			if keys, ok := keysBelow(name, path); ok {
				p.root, p.keys = root, keys
			}
		}
		for _, name := range c.Mask {
			if keys, ok := keysBelow(path, name); ok {
				p.mask = p.mask.with(keys)
			}
		}
		all = append(all, p)
	}
	return all
}

// keysBelow returns the keys that lead from one path to another that is it or
// below it.
func keysBelow(upper, path string) ([]string, bool) {
	rest, ok := strings.CutPrefix(path, upper)
	if rest == "" {
		return nil, ok
	}
	if !ok || rest[0] != '.' {
		return nil, false
	}
	return strings.Split(rest[1:], "."), true
}

// with returns the mask that masks what the keys lead to as well.
func (m *mask) with(keys []string) *mask {
	if m == nil {
		m = &mask{below: make(map[string]*mask)}
	}
	if len(keys) == 0 {
		m.all = true
		return m
	}
	m.below[keys[0]] = m.below[keys[0]].with(keys[1:])
	return m
}

func (m *mask) at(key string) *mask {
	if m == nil {
		return nil
	}
	return m.below[key]
}

// append appends the property as a member of a JSON object that begins at begin,
// unless the request lacks it.
func (p *property) append(b []byte, begin int, r *authz.Request) []byte {
	root := p.root(r)
	if root == nil {
		return b
	}
	var value any = root
	for _, key := range p.keys {
		object, _ := value.(map[string]any)
		v, ok := object[key]
		if !ok {
			return b
		}
		value = v
	}
	if len(b) > begin {
		b = append(b, ',')
	}
	b = ijson.AppendText(b, p.path)
	b = append(b, ':')
	e := encoder{limit: begin + maxIncluded}
	if full := e.value(b, value, p.mask); !e.full {
		return full
	}
	return append(b, tooLong...)
}

// encoder writes free values until they are too long.
type encoder struct {
	limit int
	full  bool
}

// value appends a value as of encoding/json. What it returns is no JSON if the
// encoder is full.
func (e *encoder) value(b []byte, v any, m *mask) []byte {
	if e.full = e.full || len(b) > e.limit; e.full {
		return b
	}
	if m != nil && m.all {
		return append(b, masked...)
	}
	switch v := v.(type) {
	case bool:
		return strconv.AppendBool(b, v)
	case float64:
		return appendNumber(b, v)
	case string:
		if e.full = len(b)+len(v) > e.limit; e.full {
			return b
		}
		return ijson.AppendText(b, v)
	case []any:
		return e.array(b, v, m)
	case map[string]any:
		return e.object(b, v, m)
	default:
		return append(b, "null"...)
	}
}

// array appends an array; a mask goes through it to each of its elements.
func (e *encoder) array(b []byte, a []any, m *mask) []byte {
	b = append(b, '[')
	for i, v := range a {
		if i > 0 {
			b = append(b, ',')
		}
		if b = e.value(b, v, m); e.full {
			return b
		}
	}
	return append(b, ']')
}

// object appends an object, its members in the order of their names.
func (e *encoder) object(b []byte, o map[string]any, m *mask) []byte {
	if e.full = len(b)+len(o) > e.limit; e.full {
		return b // and nothing of what is beyond all bounds is sorted
	}
	b = append(b, '{')
	for i, key := range slices.Sorted(maps.Keys(o)) {
		if i > 0 {
			b = append(b, ',')
		}
		if e.full = len(b)+len(key) > e.limit; e.full {
			return b
		}
		b = append(ijson.AppendText(b, key), ':')
		if b = e.value(b, o[key], m.at(key)); e.full {
			return b
		}
	}
	return append(b, '}')
}

// appendNumber appends a number, as short as it is exact. JSON has none that is
// not finite.
func appendNumber(b []byte, f float64) []byte {
	const small, large = 1e-6, 1e21
	switch abs := math.Abs(f); {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return append(b, "null"...)
	case abs != 0 && (abs < small || abs >= large):
		return strconv.AppendFloat(b, f, 'e', -1, 64)
	default:
		return strconv.AppendFloat(b, f, 'f', -1, 64)
	}
}
