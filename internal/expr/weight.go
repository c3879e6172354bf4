// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"math"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// weight returns how much a value holds: one for each value in it, at every
// place where it occurs, and more for long texts. It stops counting beyond
// limit, because a value that a condition has built may hold another one
// exponentially often; then it returns the maximum, for how far the count came
// depends on the order of maps.
func weight(v ref.Val, limit uint64) uint64 {
	w := weigher{limit: limit}
	w.value(v)
	if w.over() {
		return math.MaxUint64
	}
	return w.sum
}

// compareCost returns what comparing two values may cost: no more than the
// lighter one holds.
func compareCost(limit uint64, a, b ref.Val) uint64 {
	if l, r := bytesOf(a), bytesOf(b); l > 0 || r > 0 {
		return min(l, r) / comparedBytes
	}
	w := weight(a, limit)
	return min(w, weight(b, min(w, limit)))
}

// comparesDeep reports whether comparing the value takes more than one step.
func comparesDeep(v ref.Val) bool {
	switch v := v.(type) {
	case types.String:
		return len(v) >= comparedBytes
	case types.Bool, types.Int, types.Uint, types.Double, types.Null, types.Timestamp, types.Duration, *types.Type:
		return false
	}
	return true
}

type weigher struct {
	sum, limit uint64
}

func (w *weigher) over() bool {
	return w.sum > w.limit
}

func (w *weigher) text(n int) {
	w.sum += 1 + uint64(n)/readBytes
}

// value weighs a CEL value. Values that come from a request are weighed as Go
// values, without converting them.
func (w *weigher) value(v ref.Val) {
	switch v := v.(type) {
	case nil:
	case types.String:
		w.text(len(v))
	case types.Bytes:
		w.text(len(v))
	case *objectValue:
		for i := range v.typ.fields {
			w.native(v.typ.fields[i].get(v.view))
		}
	case *types.Optional:
		w.sum++
		if v.HasValue() {
			w.value(v.GetValue())
		}
	case traits.Lister:
		w.list(v)
	case traits.Mapper:
		w.mapping(v)
	default:
		w.sum++
	}
}

// native weighs a Go value of encoding/json, or a CEL value.
func (w *weigher) native(v any) {
	switch v := v.(type) {
	case string:
		w.text(len(v))
	case []string:
		w.sum++
		for i := 0; i < len(v) && !w.over(); i++ {
			w.text(len(v[i]))
		}
	case []any:
		w.sum++
		for i := 0; i < len(v) && !w.over(); i++ {
			w.native(v[i])
		}
	case map[string]any:
		w.sum++
		for k, elem := range v {
			if w.over() {
				return
			}
			w.text(len(k))
			w.native(elem)
		}
	case ref.Val:
		w.value(v)
	default:
		w.sum++
	}
}

func (w *weigher) list(l traits.Lister) {
	switch l.Value().(type) {
	case []any, []string:
		w.native(l.Value())
		return
	}
	w.sum++
	for it := l.Iterator(); it.HasNext() == types.True && !w.over(); {
		w.value(it.Next())
	}
}

func (w *weigher) mapping(m traits.Mapper) {
	if _, ok := m.Value().(map[string]any); ok {
		w.native(m.Value())
		return
	}
	w.sum++
	for it := m.Iterator(); it.HasNext() == types.True && !w.over(); {
		k := it.Next()
		w.value(k)
		if elem, found := m.Find(k); found {
			w.value(elem)
		}
	}
}
