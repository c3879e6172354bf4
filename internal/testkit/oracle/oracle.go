// SPDX-License-Identifier: Apache-2.0

// Package oracle decides checks slowly and plainly: a scan over the API objects,
// rule by rule in the order in which docs/decision.md tells them, for each
// request anew. It has no index, links nothing and shares nothing with the
// decision core, so that a disagreement between the two is a fault of one of
// them. Tests only.
//
// It decides objects that the CRDs' schemas accept, and valid requests.
package oracle

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
)

// Eval evaluates a condition; a condition that does not compile is an error.
type Eval func(condition string, r *authz.Request) (bool, error)

// Oracle decides by a set of objects. It is safe for concurrent use if its Eval
// is, and as long as nobody changes the objects.
type Oracle struct {
	resources []*v1alpha1.Resource
	roles     []*v1alpha1.Role
	bindings  []*v1alpha1.RoleBinding
	groups    []*v1alpha1.Group
	eval      Eval
}

// New returns an oracle of the objects, of whatever namespaces.
func New(objects []metav1.Object, eval Eval) *Oracle {
	o := &Oracle{eval: eval}
	for _, object := range objects {
		switch object := object.(type) {
		case *v1alpha1.Resource:
			o.resources = append(o.resources, object)
		case *v1alpha1.Role:
			o.roles = append(o.roles, object)
		case *v1alpha1.RoleBinding:
			o.bindings = append(o.bindings, object)
		case *v1alpha1.Group:
			o.groups = append(o.groups, object)
		}
	}
	return o
}

// truth is the value of a condition. The order is that of CEL's logic: the value
// of a && b is the smaller one, that of a || b the greater.
type truth int

const (
	absent truth = iota // there is no condition to have a value
	no
	fails
	yes
)

// Check decides a valid request.
func (o *Oracle) Check(request *authz.Request) authz.Decision {
	r := o.ask(request)
	if home := r.Subject.SessionScope; home != "" && !covers(home, r.Scope) {
		return authz.Decision{Reason: authz.ReasonScopeMismatch}
	}
	resource := first(claims(o.resources, r.Namespace, r.Resource.Type, (*v1alpha1.Resource).TypeID))
	switch {
	case resource == nil:
		return authz.Decision{Reason: authz.ReasonUnknownResource}
	case !declares(resource, r.Action.Name):
		return authz.Decision{Reason: authz.ReasonUnknownAction}
	case resource.Spec.Scoping == v1alpha1.ScopingRequired && r.Scope == "":
		return authz.Decision{Reason: authz.ReasonScopeRequired}
	}
	holds := o.holds(r)
	if value, roles := o.denied(r, holds); value == yes {
		return authz.Decision{Reason: authz.ReasonExplicitDeny, Roles: roles}
	} else if value == fails {
		return authz.Decision{Reason: authz.ReasonDenyError, Roles: roles}
	}
	var value truth
	var roles []string
	if resource.DeletionTimestamp == nil {
		value, roles = o.allowed(r, holds)
	}
	switch value {
	case yes:
		return authz.Decision{Allowed: true, Reason: authz.ReasonGranted, Roles: roles}
	case fails:
		return authz.Decision{Reason: authz.ReasonConditionError}
	case no:
		return authz.Decision{Reason: authz.ReasonConditionFalse}
	default: // there is no way at all
	}
	if slices.ContainsFunc(holds, hold.counts) {
		return authz.Decision{Reason: authz.ReasonNoPermission}
	}
	return authz.Decision{Reason: authz.ReasonNoRole}
}

// hold is one way in which the subject of a request holds a role.
type hold struct {
	role string
	// denyGate and allowGate are the values of the binding's condition for the
	// Denies and the Allows of the role.
	denyGate, allowGate truth
	// denyOnly says that the role is held for its Denies, whatever the gate.
	denyOnly bool
}

func (h hold) counts() bool { return h.denyGate != no }

func (o *Oracle) holds(r *question) []hold {
	var holds []hold
	for _, b := range o.bindings {
		keyed, trusted := keyed(b.Spec.Subjects, &r.Subject, r.groups)
		if !keyed || !applies(b, r.Request) {
			continue
		}
		deny, allow := o.value(b.Spec.Condition, r, v1alpha1.EffectDeny), o.value(b.Spec.Condition, r, v1alpha1.EffectAllow)
		for _, role := range b.Spec.Roles {
			if o.owner(r, string(role)) != nil {
				holds = append(holds, hold{string(role), deny, allow, !trusted || b.DeletionTimestamp != nil})
			}
		}
	}
	for _, role := range r.Subject.Roles {
		if owner := o.owner(r, role); owner != nil && owner.Spec.Assertable {
			holds = append(holds, hold{role: role, denyGate: yes, allowGate: yes})
		}
	}
	return holds
}

// denied returns the greatest value of the Denies of held roles, and those
// roles of which one is true or fails.
func (o *Oracle) denied(r *question, holds []hold) (truth, []string) {
	var greatest truth
	roles := map[string]bool{}
	for _, h := range holds {
		if !h.counts() {
			continue
		}
		for _, p := range o.permissions(r, h.role, v1alpha1.EffectDeny, map[string]bool{}) {
			value := o.value(p.Condition, r, v1alpha1.EffectDeny)
			greatest = max(greatest, value)
			if value != no {
				roles[h.role] = true
			}
		}
	}
	return greatest, slices.Sorted(maps.Keys(roles))
}

// allowed returns the greatest value of the ways from the subject to an Allow,
// and the roles through which it is true.
func (o *Oracle) allowed(r *question, holds []hold) (truth, []string) {
	var greatest truth
	roles := map[string]bool{}
	for _, h := range holds {
		if h.denyOnly {
			continue
		}
		for _, p := range o.permissions(r, h.role, v1alpha1.EffectAllow, map[string]bool{}) {
			value := min(h.allowGate, o.value(p.Condition, r, v1alpha1.EffectAllow))
			greatest = max(greatest, value)
			if value == yes {
				roles[h.role] = true
			}
		}
	}
	return greatest, slices.Sorted(maps.Keys(roles))
}

// permissions returns what a role id has of one effect for the request's type
// and action, of its own and inherited. Denies come from every Role that claims
// an id, Allows from the one that owns it, unless that is being deleted.
func (o *Oracle) permissions(r *question, id string, effect v1alpha1.Effect, seen map[string]bool) []v1alpha1.Permission {
	if seen[id] {
		return nil
	}
	seen[id] = true
	roles := claims(o.roles, r.Namespace, id, (*v1alpha1.Role).RoleID)
	if effect == v1alpha1.EffectAllow {
		roles = slices.DeleteFunc(roles[:min(1, len(roles))], func(owner *v1alpha1.Role) bool { return owner.DeletionTimestamp != nil })
	}
	var found []v1alpha1.Permission
	for _, role := range roles {
		for _, p := range role.Spec.Permissions {
			if cmp.Or(p.Effect, v1alpha1.EffectAllow) == effect && concerns(p, r.Request) {
				found = append(found, p)
			}
		}
		for _, parent := range role.Spec.Inherits {
			found = append(found, o.permissions(r, string(parent), effect, seen)...)
		}
	}
	return found
}

// value returns the value of a condition for an effect. If it is in doubt which
// groups the subject is in, that is the greater one for a Deny and the smaller one
// for an Allow.
func (o *Oracle) value(condition v1alpha1.Expression, r *question, effect v1alpha1.Effect) truth {
	with, without := o.valueOf(condition, r.with), o.valueOf(condition, r.without)
	if effect == v1alpha1.EffectDeny {
		return max(with, without)
	}
	return min(with, without)
}

func (o *Oracle) valueOf(condition v1alpha1.Expression, r *authz.Request) truth {
	if condition == "" {
		return yes
	}
	switch holds, err := o.eval(string(condition), r); {
	case err != nil:
		return fails
	case holds:
		return yes
	}
	return no
}

func (o *Oracle) owner(r *question, id string) *v1alpha1.Role {
	return first(claims(o.roles, r.Namespace, id, (*v1alpha1.Role).RoleID))
}

// claims returns the objects of a namespace that claim an id, the owner first.
func claims[T metav1.Object](objects []T, namespace, id string, idOf func(T) string) []T {
	var claimants []T
	for _, object := range objects {
		if object.GetNamespace() == namespace && idOf(object) == id {
			claimants = append(claimants, object)
		}
	}
	slices.SortFunc(claimants, func(a, b T) int {
		return cmp.Or(a.GetCreationTimestamp().Compare(b.GetCreationTimestamp().Time), strings.Compare(a.GetName(), b.GetName()))
	})
	return claimants
}

func first[T any](objects []*T) *T {
	if len(objects) == 0 {
		return nil
	}
	return objects[0]
}
