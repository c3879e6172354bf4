// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"math/bits"
	"regexp/syntax"
	"strconv"
	"strings"

	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// How many bytes of a text are one unit of cost.
const (
	// comparedBytes are for ==, < and looking a key up.
	comparedBytes = 1024
	// readBytes are for going through a text once.
	readBytes = 64
	// builtBytes are for making pieces or a copy of a text, character by
	// character.
	builtBytes = 16
)

// costFunc returns what a call costs beyond its one step, from its first three
// arguments (nil if there are fewer). What is more than limit may be counted as
// anything more than limit.
type costFunc func(limit uint64, a, b, c ref.Val) uint64

// freeFunctions work on numbers, times and whole values: their arguments may be
// of any size without making them slower.
var freeFunctions = map[string]bool{
	operators.Subtract: true, operators.Multiply: true, operators.Divide: true, operators.Modulo: true,
	operators.Negate: true, operators.LogicalNot: true, operators.LogicalAnd: true, operators.LogicalOr: true,
	operators.NotStrictlyFalse: true, operators.Conditional: true,
	operators.Index: true, operators.OptIndex: true, operators.OptSelect: true,
	"type": true, "dyn": true, "optional.of": true, "optional.none": true, "hasValue": true, "value": true,
	"or": true, "orValue": true, "first": true, "last": true,
}

func free(function string) bool {
	return freeFunctions[function]
}

// costs are the functions whose work is not in proportion to the size of their
// arguments, or far from what costs anyway.
var costs = map[string]costFunc{
	operators.Less: orderCost, operators.LessEquals: orderCost,
	operators.Greater: orderCost, operators.GreaterEquals: orderCost,
	operators.Add: addCost,
	operators.In:  inCost,
	"size":        sizeCost,

	"startsWith": readCost, "endsWith": readCost, "contains": readCost,
	"charAt": buildCost, "lowerAscii": buildCost, "upperAscii": buildCost, "trim": buildCost,
	"substring": buildCost, "split": splitCost, "strings.quote": buildCost,
	"indexOf": searchCost, "lastIndexOf": searchCost,
	"replace": replaceCost, "join": joinCost, "format": formatCost,

	"matches": patternCost, "find": patternCost, "findAll": patternCost,
	"regex.extract": patternCost, "regex.extractAll": patternCost, "regex.replace": substituteCost,

	"quantity": quantityCost, "isQuantity": quantityCost,

	"lists.range": rangeCost, "slice": listCost, "reverse": reverseCost,
	"sort": sortCost, "@sortByAssociatedKeys": sortCost, "distinct": distinctCost,
	"sets.contains": pairsCost, "sets.equivalent": pairsCost, "sets.intersects": pairsCost,
	"intersect": pairsCost, "except": pairsCost,
	"cel.@mapInsert": insertCost,

	"getFullYear": zoneCost, "getMonth": zoneCost, "getDayOfYear": zoneCost, "getDayOfMonth": zoneCost,
	"getDate": zoneCost, "getDayOfWeek": zoneCost, "getHours": zoneCost, "getMinutes": zoneCost,
	"getSeconds": zoneCost, "getMilliseconds": zoneCost,
}

// costOf returns the cost of a function. One that is not listed takes a time in
// proportion to what its arguments hold.
func costOf(function string) costFunc {
	if c, ok := costs[function]; ok {
		return c
	}
	return wholeCost
}

// wholeCost is for functions that go through all of their arguments, to parse or
// to convert them.
func wholeCost(limit uint64, a, b, c ref.Val) uint64 {
	const perValue = 4
	return mul(perValue, add(weight(a, limit), weight(b, limit), weight(c, limit)))
}

func orderCost(_ uint64, a, b, _ ref.Val) uint64 {
	return min(bytesOf(a), bytesOf(b)) / comparedBytes
}

func addCost(_ uint64, a, b, _ ref.Val) uint64 {
	l, ok := a.(traits.Lister)
	if !ok {
		return (bytesOf(a) + bytesOf(b)) / readBytes
	}
	if _, mutable := a.(traits.MutableLister); mutable {
		return 0
	}
	return add(sizeOf(l), sizeOf(b))
}

// inCost is for `a in b`: every element of a list is compared with a, a map
// looks one key up.
func inCost(limit uint64, a, b, _ ref.Val) uint64 {
	if _, isList := b.(traits.Lister); !isList {
		return bytesOf(a) / comparedBytes
	}
	return compareEach(limit, a, b)
}

// elementsPerUnit is how many elements of a list are compared with a text for one
// unit of cost.
const elementsPerUnit = 4

// compareEach is the cost of comparing a value with each element of a list.
func compareEach(limit uint64, a, list ref.Val) uint64 {
	if comparesDeep(a) {
		return weight(list, limit)
	}
	// Texts are compared byte for byte only with texts of the same length.
	return mul(sizeOf(list), 1+bytesOf(a)/comparedBytes) / elementsPerUnit
}

func sizeCost(_ uint64, a, _, _ ref.Val) uint64 {
	if s, ok := a.(types.String); ok {
		return uint64(len(s)) / readBytes
	}
	return 0
}

func readCost(_ uint64, a, b, _ ref.Val) uint64 {
	return (bytesOf(a) + bytesOf(b)) / readBytes
}

func buildCost(_ uint64, a, _, _ ref.Val) uint64 {
	return bytesOf(a) / builtBytes
}

// splitCost counts a piece for every byte, as split("") makes them.
func splitCost(_ uint64, a, _, _ ref.Val) uint64 {
	const bytesPerUnit = 4
	return bytesOf(a) / bytesPerUnit
}

// searchCost is for a search that may go back after every character, or goes
// through a list.
func searchCost(limit uint64, a, b, _ ref.Val) uint64 {
	if _, isList := a.(traits.Lister); isList {
		return compareEach(limit, b, a)
	}
	return mul(1+bytesOf(a)/builtBytes, 1+bytesOf(b)/builtBytes)
}

func replaceCost(_ uint64, a, _, c ref.Val) uint64 {
	return mul(1+bytesOf(a), 1+bytesOf(c)) / readBytes
}

func joinCost(limit uint64, a, b, _ ref.Val) uint64 {
	return add(weight(a, limit), mul(sizeOf(a), bytesOf(b))/readBytes)
}

// formatCost is for format: a clause prints up to a few hundred bytes beyond
// what its value holds, and there are as many as the text has characters.
func formatCost(limit uint64, a, b, _ ref.Val) uint64 {
	const perValue = 8
	return add(bytesOf(a)/builtBytes, mul(perValue, weight(b, limit)))
}

// quantityCost counts a digit for each power of ten: so many does the library
// write out to compare 1e1000000 with another quantity.
func quantityCost(limit uint64, a, _, _ ref.Val) uint64 {
	cost := wholeCost(limit, a, nil, nil)
	s, _ := a.(types.String)
	_, exponent, found := strings.Cut(strings.ToLower(string(s)), "e")
	if !found || exponent == "" {
		return cost
	}
	powers, err := strconv.ParseUint(strings.TrimLeft(exponent, "+-"), 10, 64)
	if err != nil {
		return cost
	}
	return add(cost, powers)
}

func rangeCost(_ uint64, a, _, _ ref.Val) uint64 {
	n, _ := a.(types.Int)
	return uint64(max(n, 0))
}

func listCost(_ uint64, a, _, _ ref.Val) uint64 {
	return sizeOf(a)
}

func reverseCost(_ uint64, a, _, _ ref.Val) uint64 {
	return add(sizeOf(a), bytesOf(a)/builtBytes)
}

func sortCost(limit uint64, a, b, _ ref.Val) uint64 {
	w := add(weight(a, limit), weight(b, limit))
	return mul(w, uint64(bits.Len64(w)))
}

func distinctCost(limit uint64, a, _, _ ref.Val) uint64 {
	return pairsCost(limit, a, a, nil)
}

// pairsCost is for comparing every element of one list with every one of
// another.
func pairsCost(limit uint64, a, b, _ ref.Val) uint64 {
	const pairsPerUnit = 4
	return mul(weight(a, limit), weight(b, limit)) / pairsPerUnit
}

// insertCost is for putting an entry into the map that a loop builds; a map that
// is not its own is copied.
func insertCost(_ uint64, a, _, _ ref.Val) uint64 {
	if _, mutable := a.(traits.MutableMapper); mutable {
		return 1
	}
	return sizeOf(a)
}

// zoneCost is for the parts of a timestamp; a time zone by name is read from the
// zone database.
func zoneCost(_ uint64, _, zone, _ ref.Val) uint64 {
	const load = 500
	if zone == nil {
		return 0
	}
	return load
}

// patternCost is for a pattern that is compiled at every call.
func patternCost(_ uint64, s, pattern, _ ref.Val) uint64 {
	p, ok := pattern.(types.String)
	if !ok {
		return 1
	}
	size := patternSize(string(p))
	return add(mul(compiledInstruction, size), matchCost(size, s))
}

// substituteCost is for replacing what a pattern matches: each match may be
// longer by the whole replacement.
func substituteCost(limit uint64, s, pattern, replacement ref.Val) uint64 {
	return add(patternCost(limit, s, pattern, nil), replaceCost(limit, s, nil, replacement))
}

// matchCost is for matching a text with a pattern of so many instructions: in
// the worst case each is tried at every character.
func matchCost(size uint64, s ref.Val) uint64 {
	const instructionsPerUnit = 32
	return mul(1+bytesOf(s), 4+size) / instructionsPerUnit
}

// compiledInstruction is the cost of compiling one instruction of a pattern.
const compiledInstruction = 8

// patternSize is the most instructions that a pattern can have. It is found
// without compiling the pattern, which may take longer than anything else here:
// {1000} repeats what stands before it as often.
func patternSize(pattern string) uint64 {
	const maxRepeat = 1000
	size := uint64(len(pattern)) + 2
	if strings.ContainsRune(pattern, '{') {
		return mul(size, maxRepeat)
	}
	return mul(size, 2)
}

// programSize returns how many instructions a pattern has.
func programSize(pattern string) (int, error) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 0, err
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return 0, err
	}
	return len(prog.Inst), nil
}

// bytesOf returns the length of a text or of bytes, 0 for other values.
func bytesOf(v ref.Val) uint64 {
	switch v := v.(type) {
	case types.String:
		return uint64(len(v))
	case types.Bytes:
		return uint64(len(v))
	}
	return 0
}

// sizeOf returns the number of elements of a list or a map, 0 for other values.
func sizeOf(v ref.Val) uint64 {
	switch v.(type) {
	case traits.Lister, traits.Mapper:
		n, _ := v.(traits.Sizer).Size().(types.Int)
		return uint64(n)
	}
	return 0
}
