// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
)

// Fitter says whether conditions fit the properties of a type's resources. It
// decides nothing: a condition is evaluated as it is, whatever it says. It is safe
// for concurrent use.
type Fitter struct {
	env   *Env
	shape *Shape
	// typed are the two environments in which conditions are checked; see check.
	typed func() [2]*typedEnv

	mu sync.Mutex
	// known is what has been said of conditions, by their text.
	known map[string][]Misfit
}

// Misfit is what a condition does with a property that the property does not allow.
type Misfit struct {
	// Line and Column are where, counted from 1; Column counts characters.
	Line, Column int
	// Message says what is wrong.
	Message string
	// Guarded says that the property is none that there is, and that the condition
	// asks has() before it reads it.
	Guarded bool
}

// maxKnown is how many conditions a Fitter keeps in mind.
const maxKnown = 4096

// Fitter returns what checks conditions against the properties of a resource.
func (e *Env) Fitter(properties *Shape) *Fitter {
	f := &Fitter{env: e, shape: properties, known: make(map[string][]Misfit)}
	f.typed = sync.OnceValue(func() [2]*typedEnv {
		asDouble := e.typed(properties, cel.DoubleType)
		if !properties.hasNumbers() {
			return [2]*typedEnv{asDouble, asDouble}
		}
		return [2]*typedEnv{asDouble, e.typed(properties, cel.IntType)}
	})
	return f
}

// Shape returns what the Fitter knows of the properties.
func (f *Fitter) Shape() *Shape { return f.shape }

// Misfits returns what does not fit in a condition, in the order of the text. A
// condition that does not compile has other faults, and none of these.
func (f *Fitter) Misfits(p *Program) []Misfit {
	if p.err != nil || p.text == "" || p.reads&PartStorable == 0 {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	found, known := f.known[p.text]
	if !known {
		if len(f.known) >= maxKnown {
			clear(f.known)
		}
		found = f.misfits(p)
		f.known[p.text] = found
	}
	return found
}

// misfits is Misfits without a memory. Of what cel-go cannot check nothing is said.
func (f *Fitter) misfits(p *Program) (found []Misfit) {
	defer func() {
		if recover() != nil {
			found = nil
		}
	}()
	asDouble := f.check(p.text, 0)
	asInt := asDouble
	if typed := f.typed(); len(asDouble.issues) > 0 && typed[0] != typed[1] {
		asInt = f.check(p.text, 1)
	}
	for path, m := range asDouble.unknown {
		m.Guarded = asDouble.asked[path] && !slices.ContainsFunc(p.unguarded, func(r Read) bool { return r.Path == path })
		found = append(found, m)
	}
	for id, issue := range asDouble.issues {
		if _, both := asInt.issues[id]; both || arithmetic.MatchString(issue.Message) {
			found = append(found, Misfit{Line: issue.Line, Column: issue.Column, Message: issue.Message})
		}
	}
	slices.SortFunc(found, func(a, b Misfit) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		if a.Column != b.Column {
			return a.Column - b.Column
		}
		return strings.Compare(a.Message, b.Message)
	})
	return found
}

// arithmetic is what is said of a sum of a double and an int, which fails.
var arithmetic = regexp.MustCompile(`^[-+*/%] does not work with \((double, u?int|u?int, double)\)$|^% does not work with \(double, double\)$`)

// checked is what a condition does that does not fit, as far as one environment
// can tell.
type checked struct {
	// unknown are the properties that there are not, by their path; asked are those
	// paths that has() asks for.
	unknown map[string]Misfit
	asked   map[string]bool
	// issues are the faults of types, by the number of the expression.
	issues map[int64]Issue
}

// check checks a condition with numbers of one type. Those of properties are
// doubles, but equal to an int, and may stand in a list of ints; CEL's checker
// knows no type for that. So what fails for doubles and for ints is a fault, and of
// the rest what is arithmetic.
func (f *Fitter) check(text string, numbers int) checked {
	env := f.typed()[numbers]
	parsed, iss := env.cel.Parse(text)
	original, again := f.env.cel.Parse(text)
	if iss.Err() != nil || again.Err() != nil {
		return checked{}
	}
	src := source{text, original.NativeRep()}
	w := &fitting{source: src, env: env, shape: f.shape, unknown: map[string]Misfit{}, asked: map[string]bool{}, optionals: map[int64]*Shape{}, make: ast.NewExprFactory()}
	w.visit(parsed.NativeRep().Expr())
	c := checked{unknown: w.unknown, asked: w.asked, issues: map[int64]Issue{}}
	tree, iss := env.cel.Check(parsed)
	if iss.Err() == nil {
		if t := tree.OutputType(); t.Kind() != types.BoolKind && t.Kind() != types.DynKind {
			root := src.tree.Expr()
			c.issues[root.ID()] = src.at(root, "the condition is of type %s, it must be true or false: compare it with something", t)
		}
		return c
	}
	for _, err := range iss.Errors() {
		at := src.find(err.ExprID)
		line, column := src.errorPosition(err, at)
		c.issues[err.ExprID] = Issue{Line: line, Column: column, Message: f.env.message(err, at)}
	}
	return c
}

// typedEnv is an environment with a variable for each type that a property can
// have.
type typedEnv struct {
	cel *cel.Env
	// numbers is the type of numbers.
	numbers *cel.Type
	// variables are the names of the variables by their types.
	variables map[string]string
}

// typed declares the types of a shape.
func (e *Env) typed(s *Shape, numbers *cel.Type) *typedEnv {
	t := &typedEnv{numbers: numbers, variables: map[string]string{}}
	var options []cel.EnvOption
	declare := func(typ *cel.Type) {
		if name := typ.String(); t.variables[name] == "" {
			t.variables[name] = fmt.Sprintf("@property%d", len(options))
			options = append(options, cel.Variable(t.variables[name], typ))
		}
	}
	declare(cel.DynType)
	s.each(func(s *Shape) { declare(t.typeOf(s)) })
	extended, err := e.cel.Extend(options...)
	if err != nil {
		panic(err) // Misfits says nothing then
	}
	t.cel = extended
	return t
}

// typeOf returns the type of a value.
func (t *typedEnv) typeOf(s *Shape) *cel.Type {
	switch s.Kind {
	case TruthShape:
		return nullable(cel.BoolType, s)
	case TextShape:
		return nullable(cel.StringType, s)
	case NumberShape:
		return nullable(t.numbers, s)
	case ListShape:
		if !s.Nullable {
			return cel.ListType(t.typeOf(s.Items))
		}
	case ObjectShape:
		if s.Nullable {
			break
		}
		if len(s.Properties) == 0 && s.Others != nil {
			return cel.MapType(cel.StringType, t.typeOf(s.Others))
		}
		return attributes
	case AnyShape:
	}
	return cel.DynType
}

func nullable(t *cel.Type, s *Shape) *cel.Type {
	if s.Nullable {
		return types.NewNullableType(t)
	}
	return t
}
