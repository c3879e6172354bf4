// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"fmt"
	"slices"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/diag"
	"github.com/rolecall/rolecall/internal/policy"
	"github.com/rolecall/rolecall/internal/store"
)

// hint is a warning of what is no fault: it may be meant, and no status repeats it.
func hint(path, format string, args ...any) diag.Diagnostic {
	return diag.Diagnostic{Severity: diag.Warning, Aspect: diag.References, Path: path, Message: fmt.Sprintf(format, args...)}
}

// hints returns what an author may not have meant.
func hints(w *write, around *store.Around) diag.List {
	switch o := w.after.(type) {
	case *v1alpha1.Role:
		found := everything(o)
		// A new role comes before its bindings.
		if w.before != nil && around != nil {
			found = append(found, unused(o, around)...)
		}
		return found
	case *v1alpha1.RoleBinding:
		return crowds(o)
	}
	return nil
}

// everything warns of Allows without bounds.
func everything(o *v1alpha1.Role) diag.List {
	var found diag.List
	for i := range o.Spec.Permissions {
		p := &o.Spec.Permissions[i]
		if p.Effect != v1alpha1.EffectDeny && p.Condition == "" && p.Resource == authz.Wildcard && slices.Contains(p.Actions, authz.Wildcard) {
			found = append(found, hint(fmt.Sprintf("spec.permissions[%d]", i),
				"it allows every action on everything, also on what is declared later: name what is meant, or add a condition"))
		}
	}
	return found
}

// unused warns of a role that nobody can hold.
func unused(o *v1alpha1.Role, around *store.Around) diag.List {
	if o.Spec.Assertable || around.Bound || len(inheritors(o.RoleID(), around)) > 0 {
		return nil
	}
	return diag.List{hint("spec", "nobody holds the role: no rcbind gives %q, no rcrole inherits it, and it is not assertable", o.RoleID())}
}

// inheritors returns the ids of the other roles that inherit an id, sorted.
func inheritors(role string, around *store.Around) []string {
	return idsOf(around.Roles, func(r *policy.Role) bool { return r.ID != role && slices.Contains(r.Inherits, role) })
}

func idsOf(roles []*policy.Role, which func(*policy.Role) bool) []string {
	var ids []string
	for _, r := range roles {
		if which(r) {
			ids = append(ids, r.ID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// crowds warns of subjects who are more than their author may know.
func crowds(o *v1alpha1.RoleBinding) diag.List {
	var found diag.List
	for i, s := range o.Spec.Subjects {
		path := fmt.Sprintf("spec.subjects[%d]", i)
		switch {
		case s.Type == v1alpha1.SubjectEmailDomain:
			found = append(found, hint(path, "whoever has a verified e-mail address of %.80q holds the roles, also guests and mailing lists", s.ID))
		case s.ID == authz.Wildcard:
			found = append(found, hint(path, "every %.80q holds the roles, also those who come later", string(s.Type)))
		}
	}
	return found
}

// leaves warns of what is left behind by an object that goes.
func leaves(w *write, around *store.Around) diag.List {
	if len(around.Claimants) > 1 {
		return nil // another one takes its place
	}
	id, path := v1alpha1.IDOf(w.before), "metadata.name"
	var found diag.List
	switch w.kind {
	case store.KindRole:
		if around.Bound {
			found = append(found, hint(path, "%q is still named by rcbinds, which then give nothing by it: neither what it allows nor what it forbids", id))
		}
		if heirs := inheritors(id, around); len(heirs) > 0 {
			found = append(found, hint(path, "%q is still inherited by %s: what it allows and what it forbids is then gone there too", id, rcroles(heirs)))
		}
	case store.KindResource:
		users := idsOf(around.Roles, func(r *policy.Role) bool {
			return slices.ContainsFunc(r.Permissions, func(p policy.Permission) bool { return p.Resource == id })
		})
		if len(users) > 0 {
			found = append(found, hint(path, "%q is still named by %s: requests for it are then denied as UnknownResource", id, rcroles(users)))
		}
	case store.KindGroup, store.KindRoleBinding:
	}
	return found
}

// rcroles names one role, and counts the others.
func rcroles(ids []string) string {
	if len(ids) == 1 {
		return fmt.Sprintf("the rcrole %q", ids[0])
	}
	return fmt.Sprintf("%d rcroles, such as %q", len(ids), ids[0])
}
