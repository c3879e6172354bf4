// SPDX-License-Identifier: Apache-2.0

package expr

import "github.com/google/cel-go/cel"

// Env compiles conditions. It is immutable and safe for concurrent use.
type Env struct {
	cel *cel.Env
}

// Issue is a fault of a condition.
type Issue struct {
	// Warning says that the condition is in force as it stands.
	Warning bool
	// Line and Column are where the fault is, counted from 1; Column counts
	// characters. Both are 0 if the whole expression is meant.
	Line, Column int
	// Message says what is wrong and, where a name is misspelt, the name that
	// may have been meant.
	Message string
}

// NewEnv returns an environment with the variables and functions of conditions.
func NewEnv() (*Env, error) {
	env, err := cel.NewEnv(
		cel.Variable("subject", cel.DynType), cel.Variable("resource", cel.DynType),
		cel.Variable("action", cel.DynType), cel.Variable("context", cel.DynType),
		cel.Variable("scope", cel.StringType), cel.Variable("now", cel.TimestampType),
	)
	if err != nil {
		return nil, err
	}
	return &Env{cel: env}, nil
}

// Compile compiles a condition. The program is never nil: if there are issues
// that are no warnings, it fails at every evaluation.
func (e *Env) Compile(text string) (*Program, []Issue) {
	ast, iss := e.cel.Compile(text)
	if err := iss.Err(); err != nil {
		return Failing(err), []Issue{{Message: err.Error()}}
	}
	prg, err := e.cel.Program(ast)
	if err != nil {
		return Failing(err), []Issue{{Message: err.Error()}}
	}
	return &Program{text: text, prg: prg}, nil
}
