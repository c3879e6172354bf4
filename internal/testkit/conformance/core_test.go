// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/expr"
	"github.com/rolecall/rolecall/internal/policy"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/oracle"
)

func newEnv(tb testing.TB) *expr.Env {
	tb.Helper()
	env, err := expr.NewEnv()
	if err != nil {
		tb.Fatal(err)
	}
	return env
}

// units are the compiled objects of a namespace.
type units struct {
	resources []*policy.Resource
	roles     []*policy.Role
	bindings  []*policy.Binding
}

// snapshotOf compiles objects and links them, without a store.
func snapshotOf(c *compile.Compiler, objects []testkit.Object) *policy.Snapshot {
	edit := policy.NewSnapshot(nil).Edit()
	for namespace, u := range compileAll(c, objects) {
		edit.SetVocabulary(namespace, policy.Link(u.resources, u.roles))
		for _, b := range u.bindings {
			edit.ReplaceBinding(namespace, nil, b)
		}
	}
	return edit.Snapshot("1")
}

func compileAll(c *compile.Compiler, objects []testkit.Object) map[string]*units {
	namespaces := map[string]*units{}
	for _, o := range objects {
		u := namespaces[o.GetNamespace()]
		if u == nil {
			u = &units{}
			namespaces[o.GetNamespace()] = u
		}
		switch o := o.(type) {
		case *v1alpha1.Resource:
			unit, _ := c.Resource(o)
			u.resources = append(u.resources, unit)
		case *v1alpha1.Role:
			unit, _ := c.Role(o)
			u.roles = append(u.roles, unit)
		case *v1alpha1.RoleBinding:
			unit, _ := c.RoleBinding(o)
			u.bindings = append(u.bindings, unit)
		default:
			panic(fmt.Sprintf("an object of type %T", o))
		}
	}
	return namespaces
}

// programs compiles conditions for oracles, each text once. Every evaluation
// has a budget of its own, which the conditions of the tests do not exhaust
// unless they mean to. It is safe for concurrent use.
type programs struct {
	env  *expr.Env
	byID sync.Map // text to *expr.Program
}

func (p *programs) eval(condition string, r *authz.Request) (bool, error) {
	program, ok := p.byID.Load(condition)
	if !ok {
		compiled, _ := p.env.Compile(condition)
		program, _ = p.byID.LoadOrStore(condition, compiled)
	}
	budget := expr.NewBudget()
	return program.(*expr.Program).Eval(r, &budget)
}

func oracleOf(p *programs, objects []testkit.Object) *oracle.Oracle {
	return oracle.New(testkit.MetaObjects(objects), p.eval)
}

// checker is an oracle as an authz.Checker.
type checker struct{ *oracle.Oracle }

func (c checker) Check(r *authz.Request, d *authz.Decision) error {
	if err := r.Validate(); err != nil {
		return err
	}
	*d = c.Oracle.Check(r)
	return nil
}

func (checker) Revision() string { return "oracle" }
