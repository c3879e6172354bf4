// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"context"
	"errors"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/diag"
	"github.com/rolecall/rolecall/internal/policy"
	"github.com/rolecall/rolecall/internal/store"
)

// verdict is what there is to say of a write.
type verdict struct {
	// refused is why the object may not be stored.
	refused diag.List
	// warned is what its author should know, what is worst first.
	warned diag.List
	// whole says that the object was judged against the others.
	whole bool
}

// judge judges a write: an object by itself, then against the others, if they are
// known, and then by what is no fault and yet worth a look.
func (h *handler) judge(ctx context.Context, w *write) verdict {
	subject := w.after
	if subject == nil {
		subject = w.before
	}
	around, err := h.Surroundings.Around(w.namespace, w.kind, v1alpha1.IDOf(subject))
	if errors.Is(err, authz.ErrUnknownNamespace) {
		return verdict{} // another Rolecall's
	}
	v := verdict{whole: err == nil}
	if w.after == nil {
		if v.whole {
			v.warned = leaves(w, around)
		}
		return v
	}
	own, refs := h.compile(w.after, around)
	if h.RefuseInvalid {
		v.refused = without(own.Errors(diag.Accepted), h.faultsBefore(w))
	}
	v.warned = append(own, refs...)
	if v.whole {
		v.warned = append(v.warned, conflicts(w, around)...)
	}
	v.warned = append(v.warned, hints(w, around)...)
	v.warned = append(v.warned, h.beyondRights(ctx, w)...)
	v.warned = v.warned.Sorted()
	return v
}

// faultsBefore returns what was wrong with an object already: who mends one of two
// faults is not kept from it by the other.
func (h *handler) faultsBefore(w *write) diag.List {
	if w.before == nil {
		return nil
	}
	faults, _ := h.compile(w.before, nil)
	return faults
}

func without(faults, known diag.List) diag.List {
	return slices.DeleteFunc(faults, func(d diag.Diagnostic) bool { return slices.Contains(known, d) })
}

// compile returns what is wrong with an object by itself and, unless around is nil,
// with what it names.
func (h *handler) compile(o metav1.Object, around *store.Around) (own, refs diag.List) {
	switch o := o.(type) {
	case *v1alpha1.Resource:
		u, faults := h.Compiler.Resource(o)
		if own = faults; around != nil {
			refs = compile.RouteRefs(u, policy.Routes(slices.Values(replaced(around.Resources, u, resourceName))))
		}
	case *v1alpha1.Role:
		u, faults := h.Compiler.Role(o)
		if own = faults; around != nil {
			refs = compile.RoleRefs(u, withRole{around.Vocabulary, u})
		}
	case *v1alpha1.RoleBinding:
		u, faults := h.Compiler.RoleBinding(o)
		if own = faults; around != nil {
			refs = compile.BindingRefs(u, around.Vocabulary)
		}
	case *v1alpha1.Group:
		u, faults := h.Compiler.Group(o)
		if own = faults; around != nil {
			refs = compile.GroupRefs(u, around.Vocabulary, func(id string) []string {
				if id == u.ID {
					return append(u.Nested(), around.Nested[id]...)
				}
				return around.Nested[id]
			})
		}
	}
	return own, refs
}

func resourceName(r *policy.Resource) string { return r.Name }

// replaced returns units with one in the place of what had its name.
func replaced[U any](units []*U, one *U, name func(*U) string) []*U {
	others := slices.DeleteFunc(slices.Clone(units), func(u *U) bool { return name(u) == name(one) })
	return append(others, one)
}

// withRole is a vocabulary in which a role is there already.
type withRole struct {
	*policy.Vocabulary
	role *policy.Role
}

var _ compile.Vocabulary = withRole{}

// HasRole implements compile.Vocabulary.
func (v withRole) HasRole(id string) bool { return id == v.role.ID || v.Vocabulary.HasRole(id) }

// Inherits implements compile.Vocabulary.
func (v withRole) Inherits(id string) []string {
	if id == v.role.ID {
		return v.role.Inherits
	}
	return v.Vocabulary.Inherits(id)
}

// conflicts reports that another object has the id. A new object never comes before
// one that is there.
func conflicts(w *write, around *store.Around) diag.List {
	o := w.after
	self := policy.Meta{Name: o.GetName(), Created: o.GetCreationTimestamp().Time}
	others := slices.DeleteFunc(slices.Clone(around.Claimants), func(m policy.Meta) bool { return m.Name == self.Name })
	if len(others) == 0 {
		return nil
	}
	owner := slices.MinFunc(others, policy.Meta.CompareClaims)
	if w.before != nil && self.CompareClaims(owner) < 0 {
		return nil
	}
	return diag.List{compile.Conflict(string(w.kind), v1alpha1.IDOf(o), owner.Name)}
}
