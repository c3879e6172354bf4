// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/interpreter"

	"github.com/rolecall/rolecall/internal/authz"
)

// budgetName is the name under which the steps of an evaluation find its budget;
// no condition can spell it.
const budgetName = "@budget"

// The variables of a condition.
func variables() []cel.EnvOption {
	return []cel.EnvOption{
		cel.Variable("subject", subjectType),
		cel.Variable("resource", resourceType),
		cel.Variable("action", actionType),
		cel.Variable("context", attributes),
		cel.Variable("scope", cel.StringType),
		cel.Variable("now", cel.TimestampType),
		cel.Variable("request", requestType),
		cel.Variable("P", principalType),
		cel.Variable("R", kindType),
	}
}

// activation is a request as the variables of a condition, and the budget of its
// check for the time of one evaluation.
type activation struct {
	request *authz.Request
	budget  Budget
}

var activations = sync.Pool{New: func() any { return new(activation) }}

// ResolveName implements interpreter.Activation.
func (a *activation) ResolveName(name string) (any, bool) {
	r := a.request
	switch name {
	case "subject":
		return subjectView{&r.Subject}, true
	case "resource":
		return resourceView{&r.Resource}, true
	case "action":
		return actionView{&r.Action}, true
	case "context":
		return r.Context, true
	case "scope":
		return types.String(r.Scope), true
	case "now":
		return types.Timestamp{Time: r.Time}, true
	case "request":
		return requestView{r}, true
	case "P":
		return principalView{&r.Subject}, true
	case "R":
		return kindView{&r.Resource}, true
	case budgetName:
		return &a.budget, true
	}
	return nil, false
}

// Parent implements interpreter.Activation.
func (a *activation) Parent() interpreter.Activation {
	return nil
}

// spend charges a step of the evaluation that runs in a frame. If that exhausts
// the budget, the evaluation is cancelled: an error value could be absorbed by
// `||` or by a loop that goes on. Constants that are folded while a program is
// planned have no budget.
func spend(frame *interpreter.ExecutionFrame, cost uint64) {
	if b := budgetOf(frame); b != nil && !b.charge(cost) {
		panic(interpreter.EvalCancelledError{Message: ErrCost.Error(), Cause: interpreter.CostLimitExceeded})
	}
}

func budgetOf(frame *interpreter.ExecutionFrame) *Budget {
	v, _ := frame.ResolveName(budgetName)
	b, _ := v.(*Budget)
	return b
}
