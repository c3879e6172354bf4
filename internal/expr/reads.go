// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"math"
	"strings"

	"github.com/google/cel-go/common/ast"
)

// Parts are parts of a request that a condition may look at.
type Parts uint8

const (
	// PartPair is the resource's type and the action's name.
	PartPair Parts = 1 << iota
	// PartInstance is what else there is of the resource and the action: the id,
	// and the properties of both.
	PartInstance
	// PartStorable is the properties of the subject and of the resource, which may
	// be stored.
	PartStorable
)

// Reads returns which of the parts the condition looks at. If it looks at neither
// PartPair nor PartInstance, it has one value for all resources and actions. It may name a part too
// many, never one too few.
func (p *Program) Reads() Parts {
	return p.reads
}

// Bound returns what an evaluation costs at most, whatever the request; the
// maximum of a uint64 if nothing is known of it. See MaxCost for an estimate.
func (p *Program) Bound() uint64 {
	if p.err != nil {
		return 0
	}
	if p.direct == nil || p.direct.list != nil || (p.direct.left.keys != nil && p.direct.right.keys != nil) {
		return math.MaxUint64
	}
	return add(evalCost, p.steps, MaxRequestBytes/comparedBytes)
}

// reads finds the parts that an expression looks at. A variable of a loop that is
// called like one of a request counts as that.
func reads(e ast.Expr) Parts {
	if path := pathOf(e); path != "" {
		return partsOf(path)
	}
	inner := children(e)
	if e.Kind() == ast.ComprehensionKind {
		loop := e.AsComprehension()
		inner = []ast.Expr{loop.IterRange(), loop.AccuInit(), loop.LoopCondition(), loop.LoopStep(), loop.Result()}
	}
	var parts Parts
	for _, child := range inner {
		parts |= reads(child)
	}
	return parts
}

// partsOf returns the parts that a path reaches.
func partsOf(path string) Parts {
	names := append(strings.Split(path, "."), "", "", "")
	if names[0] == "request" {
		names = names[1:]
		switch names[0] {
		case "principal":
			names[0] = "P"
		case "":
			return PartPair | PartInstance | PartStorable
		}
	}
	variable, field := names[0], names[1]
	var storable Parts
	if field == "" || field == "properties" || field == "attr" {
		storable = PartStorable
	}
	switch variable {
	case "resource", "R":
		if field == "type" || field == "kind" {
			return PartPair
		}
		return PartPair | PartInstance | storable
	case "action":
		if field == "name" {
			return PartPair
		}
		return PartPair | PartInstance
	case "subject", "P":
		return storable
	default:
		return 0
	}
}
