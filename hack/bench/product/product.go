// SPDX-License-Identifier: Apache-2.0

// Package product is Rolecall as an engine to measure, through its real door: a
// store that is given typed objects, and the Checker that it publishes.
package product

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/hack/bench/engine"
	"github.com/rolecall/rolecall/hack/bench/workload"
	"github.com/rolecall/rolecall/internal/authz"
)

// Engine is Rolecall with the workload.
type Engine struct {
	*Live

	shape string
	set   *workload.Set

	resources, roles, bindings []metav1.Object // from Prepare to Build

	generation int64
	groups     groups // made when a change first needs it
	odd        map[string]bool
}

// New returns an engine whose RoleBindings have a shape.
func New(shape string) *Engine {
	return &Engine{shape: shape, generation: 1, odd: map[string]bool{}}
}

// Prepare makes the objects.
func (e *Engine) Prepare(s *workload.Set) {
	e.set, e.resources, e.roles = s, Resources(), Roles(s)
	if e.shape == workload.Grouped {
		e.bindings = grouped(s)
	} else {
		e.bindings = Singles(s)
	}
}

// Build compiles the objects and publishes.
func (e *Engine) Build(*workload.Set) error {
	live, err := Start(e.resources, e.roles, e.bindings)
	e.Live, e.resources, e.roles, e.bindings = live, nil, nil, nil
	return err
}

// Shared says that readers may run while it changes.
func (*Engine) Shared() {}

// Asker turns requests of the workload into the core's, one at a time, and
// decides them.
type Asker struct {
	// Request is what is asked, but for what a workload.Request says.
	Request authz.Request
	// Decision is the last one.
	Decision authz.Decision

	live *Live
	// owners are the values of a property of each request, as a decoder leaves
	// them; properties is the map that it has just filled.
	owners     []any
	properties map[string]any
}

// Asker returns an Asker for the requests.
func (l *Live) Asker(requests []workload.Request) *Asker {
	a := &Asker{live: l, owners: make([]any, len(requests)), properties: make(map[string]any)}
	a.Request = authz.Request{Namespace: Namespace, Time: time.Date(2026, 6, 15, 12, 0, 0, 0, time.UTC)}
	a.Request.Subject.Type = v1alpha1.SubjectUser
	a.Request.Resource.Properties = a.properties
	for i := range requests {
		a.owners[i] = requests[i].Owner
	}
	return a
}

// Ask decides request i, which is q.
func (a *Asker) Ask(i int, q *workload.Request) bool {
	r := &a.Request
	r.Subject.ID, r.Action.Name, r.Scope = q.User, q.Action, q.Scope
	r.Resource.Type, r.Resource.ID = q.Type, q.ID
	if a.owners != nil {
		a.properties["owner_id"] = a.owners[i]
	}
	if err := a.live.Checker().Check(r, &a.Decision); err != nil {
		panic(fmt.Sprintf("check %+v: %v", q, err))
	}
	return a.Decision.Allowed
}

// Reader returns what answers the requests.
func (e *Engine) Reader(requests []workload.Request) engine.Reader {
	a := e.Asker(requests)
	if !e.set.Variant.Conditional() {
		a.owners = nil // no policy reads them
	}
	return func(i int) bool { return a.Ask(i, &requests[i]) }
}

// Roles returns the ids of the roles that grant a request.
func (e *Engine) Roles(q *workload.Request) []string {
	a := e.Asker([]workload.Request{*q})
	if !a.Ask(0, q) {
		return nil
	}
	return a.Decision.Roles
}

func (e *Engine) next() int64 {
	e.generation++
	return e.generation
}

// Change prepares the objects of a change: one RoleBinding of one subject, or, in
// the grouped shape and unless the user is lone, two of up to 500, which are put
// one after the other.
func (e *Engine) Change(user int, from, to workload.Assignment) func() {
	if e.shape == workload.Single || workload.Lone(user) {
		obj := binding(singleName(user, 0), e.next(), to, int32(user))
		return func() { e.Put(obj) }
	}
	if e.groups == nil {
		e.groups = group(e.set)
	}
	less := e.member(from, e.groups.remove(from, int32(user)))
	more := e.member(to, e.groups.add(to, int32(user)))
	return func() { less(); more() }
}

// member returns what puts RoleBinding i of those that give a, or deletes it if
// nobody is left.
func (e *Engine) member(a workload.Assignment, i int) func() {
	name, users := groupName(a, i), e.groups[a][i]
	if len(users) == 0 {
		return func() { e.Delete(Namespace, name) }
	}
	obj := binding(name, e.next(), a, users...)
	return func() { e.Put(obj) }
}

// ChangeRole gives role i a permission that it does not have, or takes it away
// again.
func (e *Engine) ChangeRole(i int) func() {
	obj := role(e.set, i, e.next())
	if e.flip(obj.Name) {
		obj.Spec.Permissions = append(obj.Spec.Permissions, Extra(e.set, i))
	}
	return func() { e.Put(obj) }
}

// Extra is the permission that ChangeRole adds: the first action, by type and
// number, that role i does not have.
func Extra(s *workload.Set, i int) v1alpha1.Permission {
	for t := range workload.Types {
		for a := range workload.Actions {
			if !slices.ContainsFunc(s.Roles[i], func(p workload.Permission) bool { return p.Covers(t, a) }) {
				return v1alpha1.Permission{Resource: pattern(t, workload.TypeName), Actions: []v1alpha1.Pattern{pattern(a, workload.ActionName)}}
			}
		}
	}
	panic("a role has every permission")
}

// ChangeResource gives type i one more action, or takes it away again.
func (e *Engine) ChangeResource(i int) func() {
	obj := resource(i, e.next())
	if e.flip(obj.Name) {
		obj.Spec.Actions = append(obj.Spec.Actions, v1alpha1.ResourceAction{Name: v1alpha1.ID(workload.ActionName(workload.Actions))})
	}
	return func() { e.Put(obj) }
}

// flip says whether this is an odd change of the object.
func (e *Engine) flip(name string) bool {
	e.odd[name] = !e.odd[name]
	return e.odd[name]
}
