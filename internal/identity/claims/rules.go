// SPDX-License-Identifier: Apache-2.0

package claims

import (
	"cmp"

	"k8s.io/apimachinery/pkg/util/validation/field"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/expr"
	"github.com/rolecall/rolecall/internal/identity/jwt"
)

// Rules must all hold for the claims of a token.
type Rules []rule

type rule struct {
	value *Value
	// required is what the value must be: true, or a string.
	required any
	message  string
}

// Rules compiles valid rules. The error names the field.
func (c *Compiler) Rules(path *field.Path, all []configv1alpha1.ClaimValidationRule) (Rules, error) {
	var rules Rules
	for i, r := range all {
		value, err := c.Value(path.Index(i), configv1alpha1.ClaimOrExpression{Claim: r.Claim, Expression: r.Expression}, expr.TruthForm)
		if err != nil {
			return nil, err
		}
		compiled := rule{value: value, required: true, message: cmp.Or(r.Message, r.Expression)}
		if r.Claim != "" {
			compiled.required = r.RequiredValue
			compiled.message = cmp.Or(r.Message, "claim "+r.Claim+" has another value than is required")
		}
		rules = append(rules, compiled)
	}
	return rules, nil
}

// Check makes sure that the rules hold.
func (rules Rules) Check(c *Claims) error {
	for _, r := range rules {
		value, err := r.value.Any(c)
		if err != nil {
			return err
		}
		if value != r.required {
			return jwt.Invalid("is refused by a rule: " + r.message)
		}
	}
	return nil
}
