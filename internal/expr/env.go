// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	// Conditions may name time zones, and an image may lack them.
	_ "time/tzdata"
	"weak"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/functions"
	"github.com/google/cel-go/ext"
	"k8s.io/apiserver/pkg/cel/library"
)

// The bounds of an expression. They keep what compiling one can cost in check;
// no condition that a person has written comes near the last four.
const (
	// MaxLength is the longest expression, in characters.
	MaxLength = 4096
	// maxDepth is how deep an expression may be nested.
	maxDepth = 100
	// maxNodes is how many nodes the syntax tree may have, macros expanded.
	maxNodes = 20_000
	// maxLoops is how many loops an expression may have.
	maxLoops = 24
	// maxKeys is how many keys of maps may be computed. A key can be a map, as
	// far as cel-go's type checker is concerned, so that each `{x: x}` doubles
	// the type of x; ten take it seconds.
	maxKeys = 4
)

// Env compiles conditions. Its answers depend on nothing but the text. It is
// safe for concurrent use.
type Env struct {
	cel       *cel.Env
	objects   map[string]*objectType
	overloads map[string]*functions.Overload
	// names are those of variables and functions, for suggestions.
	variables, functions []string

	mu sync.Mutex
	// programs are those in use by their text, so that the conditions of a
	// hundred thousand bindings that say the same are one. They are held weakly:
	// the last binding that goes takes its program along.
	programs map[string]weak.Pointer[Program]
}

// NewEnv returns an environment with the variables and functions of conditions.
// It takes some milliseconds; one serves the whole process.
func NewEnv() (*Env, error) {
	return newEnv(variables())
}

// newEnv returns an environment with the functions of conditions and these
// variables.
func newEnv(variables []cel.EnvOption) (*Env, error) {
	base, err := cel.NewCustomEnv(libraries()...)
	if err != nil {
		return nil, fmt.Errorf("build the environment of conditions: %w", err)
	}
	p := &provider{
		Provider: base.CELTypeProvider(), Adapter: base.CELTypeAdapter(),
		objects: objectTypes(),
	}
	full, err := base.Extend(append(variables, cel.CustomTypeProvider(p), cel.CustomTypeAdapter(p))...)
	if err != nil {
		return nil, fmt.Errorf("declare the variables of conditions: %w", err)
	}
	e := &Env{
		cel: full, objects: p.objects,
		overloads: map[string]*functions.Overload{},
		programs:  map[string]weak.Pointer[Program]{},
	}
	return e, e.index()
}

// libraries are the functions of conditions. What prints or reads more than the
// request holds (JSON, protocol buffers) is left out.
func libraries() []cel.EnvOption {
	options := []cel.EnvOption{
		cel.StdLib(),
		cel.OptionalTypes(),
		cel.CrossTypeNumericComparisons(true),
		cel.DefaultUTCTimeZone(true),
		cel.EagerlyValidateDeclarations(true),
		cel.EnableIdentifierEscapeSyntax(),
		cel.ParserExpressionSizeLimit(MaxLength),
		cel.ParserRecursionLimit(maxDepth),
		cel.ExpressionNodeLimit(maxNodes),
		cel.ASTValidators(cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals()),
		ext.Bindings(),
		ext.Encoders(ext.EncodersVersion(0)),
		ext.Lists(),
		ext.Math(),
		ext.Regex(),
		ext.Sets(),
		ext.Strings(),
		ext.TwoVarComprehensions(),
		library.CIDR(),
		library.Format(),
		library.IP(),
		library.Lists(),
		library.Quantity(),
		library.Regex(),
		library.SemverLib(),
		library.URLs(),
	}
	options = append(options, cerbosMacros()...)
	return append(options, cerbosFunctions()...)
}

// index collects the implementations of the functions and the names.
func (e *Env) index() error {
	for name, fn := range e.cel.Functions() {
		bindings, err := fn.Bindings()
		if err != nil {
			return fmt.Errorf("bind function %s: %w", name, err)
		}
		for _, b := range bindings {
			e.overloads[b.Operator] = b
		}
		e.functions = append(e.functions, name)
	}
	for _, m := range e.cel.Macros() {
		e.functions = append(e.functions, m.Function())
	}
	for _, v := range e.cel.Variables() {
		e.variables = append(e.variables, v.Name())
	}
	slices.Sort(e.functions)
	e.functions = slices.Compact(e.functions)
	return nil
}

// Compile compiles a condition. The program is never nil: if there are issues
// that are no warnings, it fails at every evaluation. Equal texts give the same
// program for as long as it is in use anywhere. Compile never panics.
func (e *Env) Compile(text string) (*Program, []Issue) {
	if p := e.known(text); p != nil {
		return p, p.issues
	}
	p := e.compile(text)
	return e.remember(p), p.issues
}

func (e *Env) known(text string) *Program {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.programs[text].Value()
}

// remember files a program, unless an equal one has come first, and returns the
// one that is filed.
func (e *Env) remember(p *Program) *Program {
	e.mu.Lock()
	defer e.mu.Unlock()
	if first := e.programs[p.text].Value(); first != nil {
		return first
	}
	e.programs[p.text] = weak.Make(p)
	runtime.AddCleanup(p, e.forget, p.text)
	return p
}

// forget removes the entry of a program that is gone; another one may have been
// compiled from the same text since.
func (e *Env) forget(text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if p, ok := e.programs[text]; ok && p.Value() == nil {
		delete(e.programs, text)
	}
}
