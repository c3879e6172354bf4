// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/expr"
	"github.com/rolecall/rolecall/internal/policy"
)

// vocabulary is what the namespace of an object declares, as far as somebody
// asks: each answer is looked up when it is first wanted and kept for the rest
// of the reconcile. The lists of all names are needed for patterns and for "did
// you mean"; most objects never want them.
//
// The linker's questions have no error in their answers. The first error of a
// look-up is kept instead, and makes what was computed worthless.
type vocabulary struct {
	resources func(typ string) ([]v1alpha1.Resource, error)
	roles     func(id string) ([]v1alpha1.Role, error)
	list      func(client.ObjectList) error
	compiler  *compile.Compiler

	declared map[string]declaration
	claimed  map[string]claims
	types    []string
	roleIDs  []string
	err      error
}

var _ compile.Vocabulary = (*vocabulary)(nil)

// declaration is what is known of a type.
type declaration struct {
	actions []string
	fitter  *expr.Fitter
	found   bool
}

// claims is what is known of a role id.
type claims struct {
	inherits []string
	found    bool
}

func newVocabulary(ctx context.Context, l lookup, c *compile.Compiler) *vocabulary {
	return &vocabulary{
		resources: func(typ string) ([]v1alpha1.Resource, error) { return l.resourcesOf(ctx, typ) },
		roles:     func(id string) ([]v1alpha1.Role, error) { return l.rolesOf(ctx, id) },
		list:      func(list client.ObjectList) error { return l.list(ctx, list) },
		compiler:  c,
		declared:  map[string]declaration{},
		claimed:   map[string]claims{},
	}
}

// Actions returns the actions that the type's owner declares.
func (v *vocabulary) Actions(resourceType string) ([]string, bool) {
	d := v.declaration(resourceType)
	return d.actions, d.found
}

// Fitter returns what checks conditions against the schema of the type's owner.
func (v *vocabulary) Fitter(resourceType string) *expr.Fitter {
	return v.declaration(resourceType).fitter
}

func (v *vocabulary) declaration(typ string) declaration {
	d, known := v.declared[typ]
	if !known {
		d = v.lookUp(typ)
		v.declared[typ] = d
	}
	return d
}

func (v *vocabulary) lookUp(typ string) declaration {
	claimants, err := v.resources(typ)
	if v.failed(err) || len(claimants) == 0 {
		return declaration{}
	}
	owner := claimants[0]
	owner.Spec.Instances = nil // there may be thousands, and nobody asks for them here
	unit, _ := v.compiler.Resource(&owner)
	d := declaration{actions: slices.Sorted(slices.Values(unit.Actions)), found: true}
	if unit.Schema != nil {
		d.fitter = unit.Schema.Fitter()
	}
	return d
}

// Covers reports what a permission means; see compile.Vocabulary.
func (v *vocabulary) Covers(resource, action string) (typ, declared bool) {
	types := []string{resource}
	if policy.IsPattern(resource) {
		types = v.Types()
	}
	for _, t := range types {
		if !policy.Match(resource, t) {
			continue
		}
		names, found := v.Actions(t)
		typ = typ || found
		if slices.ContainsFunc(names, func(name string) bool { return policy.Match(action, name) }) {
			return true, true
		}
	}
	return typ, false
}

// Types returns the declared types.
func (v *vocabulary) Types() []string {
	if v.types == nil {
		var list v1alpha1.ResourceList
		v.failed(v.list(&list))
		v.types = names(list.Items, func(r *v1alpha1.Resource) string { return r.TypeID() })
	}
	return v.types
}

// HasRole reports whether a Role claims the id.
func (v *vocabulary) HasRole(id string) bool {
	return v.claims(id).found
}

// Inherits returns what the claimants of the id inherit.
func (v *vocabulary) Inherits(id string) []string {
	return v.claims(id).inherits
}

func (v *vocabulary) claims(id string) claims {
	c, known := v.claimed[id]
	if known {
		return c
	}
	claimants, err := v.roles(id)
	v.failed(err)
	for i := range claimants {
		c.found = true
		c.inherits = append(c.inherits, texts(claimants[i].Spec.Inherits)...)
	}
	slices.Sort(c.inherits)
	c.inherits = slices.Compact(c.inherits)
	v.claimed[id] = c
	return c
}

// RoleIDs returns the ids that Roles claim.
func (v *vocabulary) RoleIDs() []string {
	if v.roleIDs == nil {
		var list v1alpha1.RoleList
		v.failed(v.list(&list))
		v.roleIDs = names(list.Items, func(r *v1alpha1.Role) string { return r.RoleID() })
	}
	return v.roleIDs
}

func (v *vocabulary) failed(err error) bool {
	if v.err == nil {
		v.err = err
	}
	return err != nil
}

// names returns the names of objects, sorted, each once, never nil.
func names[T any](objects []T, name func(*T) string) []string {
	all := make([]string, len(objects))
	for i := range objects {
		all[i] = name(&objects[i])
	}
	slices.Sort(all)
	return slices.Compact(all)
}
