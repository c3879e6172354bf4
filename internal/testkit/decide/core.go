// SPDX-License-Identifier: Apache-2.0

package decide

import (
	"fmt"
	"slices"
	"sync"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/expr"
	"github.com/rolecall/rolecall/internal/policy"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/oracle"
)

// units are the compiled objects of a namespace.
type units struct {
	resources []*policy.Resource
	roles     []*policy.Role
	bindings  []*policy.Binding
	groups    []*policy.Group
}

// Snapshot compiles objects and links them, without a store.
func Snapshot(c *compile.Compiler, objects []testkit.Object) *policy.Snapshot {
	index := policy.NewIndex(nil)
	Fill(index, c, objects)
	return index.Publish("1")
}

// Fill compiles objects, links them and puts them into an index.
func Fill(index *policy.Index, c *compile.Compiler, objects []testkit.Object) {
	for namespace, u := range compileAll(c, objects) {
		index.SetVocabulary(namespace, policy.Link(u.resources, u.roles))
		index.SetRoutes(namespace, policy.Routes(slices.Values(u.resources)))
		for _, b := range u.bindings {
			index.Put(namespace, b, 0)
		}
		for _, g := range u.groups {
			index.PutGroup(namespace, g)
		}
	}
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
		case *v1alpha1.Group:
			unit, _ := c.Group(o)
			u.groups = append(u.groups, unit)
		default:
			panic(fmt.Sprintf("an object of type %T", o))
		}
	}
	return namespaces
}

// Programs compiles conditions for oracles, each text once. Every evaluation has
// a budget of its own. It is safe for concurrent use.
type Programs struct {
	env    *expr.Env
	byText sync.Map // of string, *expr.Program
}

// NewPrograms returns an empty set.
func NewPrograms(env *expr.Env) *Programs {
	return &Programs{env: env}
}

// Eval is an oracle.Eval.
func (p *Programs) Eval(condition string, r *authz.Request) (bool, error) {
	program, ok := p.byText.Load(condition)
	if !ok {
		compiled, _ := p.env.Compile(condition)
		program, _ = p.byText.LoadOrStore(condition, compiled)
	}
	budget := expr.NewBudget()
	return program.(*expr.Program).Eval(r, &budget)
}

// Oracle returns the oracle of objects.
func Oracle(p *Programs, objects []testkit.Object) *oracle.Oracle {
	return oracle.New(testkit.MetaObjects(objects), p.Eval)
}

// Checker makes an oracle an authz.Checker.
type Checker struct{ *oracle.Oracle }

// Check decides r, if it is valid.
func (c Checker) Check(r *authz.Request, d *authz.Decision) error {
	if err := r.Validate(); err != nil {
		return err
	}
	var err error
	*d, err = c.Judged(r)
	return err
}

// Revision names nothing in particular.
func (Checker) Revision() string { return "oracle" }
