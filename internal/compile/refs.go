// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/diag"
	"github.com/rolecall/rolecall/internal/expr"
	"github.com/rolecall/rolecall/internal/policy"
)

// Vocabulary is what the objects of one namespace declare; *policy.Vocabulary
// is one.
type Vocabulary interface {
	// Actions returns the actions of a resource type, sorted, and whether the
	// type is declared.
	Actions(resourceType string) (names []string, declared bool)
	// Covers reports whether a resource, which is a type or a pattern, means a
	// declared type, and whether an action, a name or a pattern, is declared by one
	// of those that it means.
	Covers(resource, action string) (typ, declared bool)
	// Fitter returns what checks conditions against the schema of a resource type, or
	// nil if it has none.
	Fitter(resourceType string) *expr.Fitter
	// Types returns the declared resource types, sorted.
	Types() []string
	// HasRole reports whether a Role claims the id.
	HasRole(id string) bool
	// RoleIDs returns the claimed ids, sorted.
	RoleIDs() []string
	// Inherits returns the ids that the claimants of an id inherit, sorted and
	// without repetitions.
	Inherits(id string) []string
}

// typeAnonymous is the type of who is not authenticated.
const typeAnonymous = "anonymous"

// RoleRefs reports what a role names and the vocabulary lacks, inheritance that
// leads back to the role, and conditions that do not fit the schemas. The diagnostics are errors of the aspect
// References. What is no id at all has been reported by the compiler.
func RoleRefs(u *policy.Role, v Vocabulary) diag.List {
	r := refs{v: v}
	back := map[string]string{}
	if len(u.Inherits) > 0 {
		back = waysBack(u.ID, v.Inherits)
	}
	for i, id := range u.Inherits {
		r.inherited(index("spec.inherits", i), u.ID, id, back)
	}
	for i := range u.Permissions {
		r.permission(i, &u.Permissions[i])
		r.condition(index("spec.permissions", i)+".condition", &u.Permissions[i])
	}
	return r.found
}

// BindingRefs reports what a binding names and the vocabulary lacks, and what its
// gate reads of its resources that they do not have: errors of the aspect
// References, and warnings. What is no id at all has been reported by
// the compiler.
func BindingRefs(u *policy.Binding, v Vocabulary) diag.List {
	r := refs{v: v}
	for i, id := range u.Roles {
		if validName(id, false) && !v.HasRole(id) {
			r.lacks(v1alpha1.ReasonRoleNotFound, index("spec.roles", i),
				"%s is the id of no rcrole in this namespace%s: correct it, or create the rcrole; until then the binding does not give it",
				quote(id), DidYouMean(id, v.RoleIDs()))
		}
	}
	for i, res := range u.Resources {
		if _, declared := v.Actions(res.Type); !declared && validName(res.Type, false) {
			r.lacks(v1alpha1.ReasonResourceNotFound, index("spec.resources", i)+".type", "%s", noSuchType(res.Type, v))
		}
	}
	for i, key := range u.Subjects {
		r.subjectType(index("spec.subjects", i)+".type", key.Type)
	}
	r.gate(u)
	return r.found
}

// Nesting returns the ids of the groups that are members of an id: those which the
// Groups that claim it list, in any order, also twice.
type Nesting func(id string) []string

// GroupRefs reports membership that leads from a group back to itself, an error of
// the aspect References, and warnings. A member group needs no object, because a
// token may state it.
func GroupRefs(u *policy.Group, v Vocabulary, members Nesting) diag.List {
	r := refs{v: v}
	var back map[string]string
	for i := range u.Members {
		m := &u.Members[i]
		switch m.Type {
		case v1alpha1.SubjectUser: // most are
		case authz.TypeGroup:
			if back == nil {
				back = waysBack(u.ID, members)
			}
			r.nested(index("spec.members", i), u.ID, m.ID, back)
		default:
			r.subjectType(index("spec.members", i)+".type", m.Type)
		}
	}
	return r.found
}

func (r *refs) nested(path, group, member string, back map[string]string) {
	if way := cycle(group, member, back); way != nil {
		r.lacks(v1alpha1.ReasonMembershipCycle, path,
			"%s is a member of itself (%s): the cycle changes no decision, but all its groups have the same members, so take %s out or merge the groups",
			quote(group), renderCycle(way, "groups"), quote(member))
	}
}

// refs collects the references of one object that do not resolve.
type refs struct {
	v     Vocabulary
	found diag.List
}

func (r *refs) lacks(reason, path, format string, args ...any) {
	r.found = append(r.found, diag.Diagnostic{
		Severity: diag.Error, Aspect: diag.References, Reason: reason,
		Path: path, Message: fmt.Sprintf(format, args...),
	})
}

func noSuchType(typ string, v Vocabulary) string {
	return fmt.Sprintf("%s is declared by no rcres in this namespace%s: correct it, or declare the type",
		quote(typ), DidYouMean(typ, v.Types()))
}

func (r *refs) inherited(path, role, id string, back map[string]string) {
	if !validName(id, false) {
		return
	}
	if !r.v.HasRole(id) {
		r.lacks(v1alpha1.ReasonInheritedRoleNotFound, path,
			"%s is the id of no rcrole in this namespace%s: correct it, or create the rcrole; until then neither its Allows nor its Denies are inherited",
			quote(id), DidYouMean(id, r.v.RoleIDs()))
		return
	}
	if way := cycle(role, id, back); way != nil {
		r.lacks(v1alpha1.ReasonInheritanceCycle, path,
			"%s inherits itself (%s): the cycle changes no decision, but all its roles are one and the same, so take %s out or merge the roles",
			quote(role), renderCycle(way, "roles"), quote(id))
	}
}

// permission judges the actions against the types that the resource means: what
// one of them declares is there. Nearly all are, and a vocabulary may have a great
// many permissions, so what a message needs is gathered only for one.
func (r *refs) permission(i int, p *policy.Permission) {
	if !validName(p.Resource, true) {
		return
	}
	declared := false // whether the type is
	j := -1
	for a := range p.Actions.All() {
		j++
		typ, action := r.v.Covers(p.Resource, a)
		if declared = typ; !typ {
			break
		}
		if !action && validName(a, true) {
			r.unknownAction(index(index("spec.permissions", i)+".actions", j), p, a)
		}
	}
	if j < 0 {
		declared, _ = r.v.Covers(p.Resource, "")
	}
	if !declared {
		r.unknownResource(index("spec.permissions", i)+".resource", p)
	}
}

func (r *refs) unknownResource(path string, p *policy.Permission) {
	reason, what := v1alpha1.ReasonResourceNotFound, noSuchType(p.Resource, r.v)
	if policy.IsPattern(p.Resource) {
		reason = v1alpha1.ReasonPatternMatchesNothing
		what = fmt.Sprintf("%s matches no type that is declared in this namespace%s: correct it, or declare such a type",
			quote(p.Resource), DidYouMean(p.Resource, r.v.Types()))
	}
	r.nothing(reason, path, p, what)
}

func (r *refs) unknownAction(path string, p *policy.Permission, action string) {
	reason, verb := v1alpha1.ReasonActionNotFound, "is"
	if policy.IsPattern(action) {
		reason, verb = v1alpha1.ReasonPatternMatchesNothing, "matches"
	}
	r.nothing(reason, path, p, fmt.Sprintf("%s %s no action of %s%s: correct it, or declare the action",
		quote(action), verb, meant(p.Resource), DidYouMean(action, r.actions(p.Resource))))
}

// nothing reports that a permission, or a part of it, covers nothing. That is
// worse for a Deny: it lets pass what it was meant to forbid.
func (r *refs) nothing(reason, path string, p *policy.Permission, what string) {
	if p.Deny {
		reason, what = v1alpha1.ReasonDenyMatchesNothing, what+"; until then this Deny forbids nothing by it"
	}
	r.lacks(reason, path, "%s", what)
}

func meant(resource string) string {
	if policy.IsPattern(resource) {
		return "any type that " + quote(resource) + " matches"
	}
	return "the type " + quote(resource)
}

// actions returns what is declared by the types that a resource means.
func (r *refs) actions(resource string) []string {
	if !policy.IsPattern(resource) {
		names, _ := r.v.Actions(resource)
		return names
	}
	var all []string
	for _, t := range r.v.Types() {
		if policy.Match(resource, t) {
			names, _ := r.v.Actions(t)
			all = append(all, names...)
		}
	}
	return all
}

// subjectType warns of a type that nothing declares. The empty type is that of a
// subject that cannot be, which has been reported.
func (r *refs) subjectType(path, typ string) {
	switch {
	case typ == "" || typ == v1alpha1.SubjectUser || typ == typeAnonymous || authz.ReservedType(typ):
		return
	}
	if _, declared := r.v.Actions(typ); declared {
		return
	}
	known := append([]string{
		v1alpha1.SubjectUser, typeAnonymous, authz.TypeGroup, authz.TypeEmailDomain, authz.TypeSSOConnection, authz.TypeSSOGroup,
	}, r.v.Types()...)
	r.found = append(r.found, diag.Diagnostic{
		Severity: diag.Warning, Aspect: diag.References, Reason: v1alpha1.WarningUndeclaredSubjectType, Path: path,
		Message: fmt.Sprintf("%s is neither user nor a type that an rcres declares%s: if it is no mistake, declare it",
			quote(typ), DidYouMean(typ, known)),
	})
}
