// SPDX-License-Identifier: Apache-2.0

package claims

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/expr"
	"github.com/rolecall/rolecall/internal/identity/jwt"
)

// Claims are the claims of one token. They are not safe for concurrent use.
type Claims struct {
	all map[string]any
	// budget is what the expressions may cost together.
	budget expr.Budget
}

// Of returns claims, whose values are those of encoding/json.
func Of(all map[string]any) *Claims {
	return &Claims{all: all, budget: expr.NewBudget()}
}

// Compiler compiles mappings and rules.
type Compiler struct {
	env *expr.ClaimsEnv
}

// NewCompiler returns a compiler. It takes some milliseconds.
func NewCompiler() (*Compiler, error) {
	env, err := expr.NewClaimsEnv()
	if err != nil {
		return nil, err
	}
	return &Compiler{env}, nil
}

// Value is a mapping: what it gives is a value for each token. It is immutable.
type Value struct {
	// name is the mapping's, for errors.
	name    string
	claim   string
	program *expr.ClaimsProgram
}

// Value compiles a valid mapping to a value of a form. An empty one gives nothing
// for every token. The error names the field.
func (c *Compiler) Value(path *field.Path, m configv1alpha1.ClaimOrExpression, form expr.Form) (*Value, error) {
	v := &Value{name: path.String(), claim: m.Claim}
	if m.Expression == "" {
		return v, nil
	}
	var err error
	if v.program, err = c.env.Compile(m.Expression, form); err != nil {
		return nil, field.Invalid(path.Child("expression"), m.Expression, err.Error())
	}
	return v, nil
}

// Mapped reports whether the mapping says anything.
func (v *Value) Mapped() bool {
	return v.claim != "" || v.program != nil
}

// FromClaim reports whether the value is a claim as it is.
func (v *Value) FromClaim() bool {
	return v.claim != ""
}

// Any returns the value as it is; nil if there is none.
func (v *Value) Any(c *Claims) (any, error) {
	if !v.Mapped() {
		return nil, nil
	}
	if v.program == nil {
		return c.all[v.claim], nil
	}
	value, err := v.program.Eval(c.all, &c.budget)
	if err != nil {
		fault := jwt.Invalid("is not valid: the expression of " + v.name + " fails for its claims")
		fault.Err = err
		return nil, fault
	}
	return value, nil
}

// Text returns a value that is a string; empty if there is none.
func (v *Value) Text(c *Claims) (string, error) {
	value, err := v.Any(c)
	if err != nil || value == nil {
		return "", err
	}
	if text, ok := value.(string); ok {
		return text, nil
	}
	return "", v.Unfit("must be a string")
}

// Truth returns a value that is true or false; false if there is none.
func (v *Value) Truth(c *Claims) (bool, error) {
	value, err := v.Any(c)
	if err != nil || value == nil {
		return false, err
	}
	if truth, ok := value.(bool); ok {
		return truth, nil
	}
	return false, v.Unfit("must be true or false")
}

// Texts returns a value that is a list of strings, or a string that stands for a
// list of one; nil if there is none. None of them is empty.
func (v *Value) Texts(c *Claims) ([]string, error) {
	value, err := v.Any(c)
	if err != nil {
		return nil, err
	}
	switch value := value.(type) {
	case nil:
		return nil, nil
	case string:
		return v.texts([]any{value})
	case []any:
		return v.texts(value)
	}
	return nil, v.Unfit("must be a string or a list of strings")
}

func (v *Value) texts(list []any) ([]string, error) {
	texts := make([]string, len(list))
	for i, element := range list {
		text, ok := element.(string)
		if !ok {
			return nil, v.Unfit("must be a string or a list of strings")
		}
		if text == "" {
			return nil, v.Unfit("must not hold an empty string")
		}
		texts[i] = text
	}
	return texts, nil
}

// Unfit is the error for a value that does not fit, which is not told.
func (v *Value) Unfit(problem string) error {
	if v.claim != "" {
		return jwt.Invalid(fmt.Sprintf("is not valid: claim %q (%s) %s", v.claim, v.name, problem))
	}
	return jwt.Invalid("is not valid: what " + v.name + " makes of its claims " + problem)
}
