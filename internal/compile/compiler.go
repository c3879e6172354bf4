// SPDX-License-Identifier: Apache-2.0

package compile

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/diag"
	"github.com/rolecall/rolecall/internal/expr"
	"github.com/rolecall/rolecall/internal/policy"
)

// Compiler compiles objects. It keeps nothing of them, and is safe for
// concurrent use.
type Compiler struct {
	env *expr.Env
}

// New returns a compiler whose conditions are compiled by env.
func New(env *expr.Env) *Compiler {
	return &Compiler{env: env}
}

// Resource compiles a Resource. The unit is never nil; the diagnostics are of
// the aspect Accepted. An unusable type declares no action and has no
// instances, and an unknown scoping means Required.
func (c *Compiler) Resource(o *v1alpha1.Resource) (*policy.Resource, diag.List) {
	var f faults
	u := &policy.Resource{Meta: metaOf(&o.ObjectMeta), Type: o.TypeID()}
	usable := f.effectiveID("spec.type", string(o.Spec.Type), u.Type)
	f.text("spec.description", string(o.Spec.Description))
	actions, instances := f.resourceActions(o.Spec.Actions), f.knownInstances(o.Spec.Instances)
	if usable {
		u.Actions, u.Instances = actions, policy.NewInstances(instances)
	}
	u.ScopeRequired = f.scoping(o.Spec.Scoping)
	validation := f.validation(&o.Spec)
	if s := f.schema(o.Spec.Schema); s != nil {
		u.Schema, u.Validation = typeSchema{s, c.env.Fitter(s.Shape())}, validation
		f.misfits(o.Spec.Instances, instances, s)
	}
	u.Routes = f.routes(o)
	f.judgeRoutes(o.Spec.Routes, actions)
	return u, f.found
}

// Role compiles a Role. The unit is never nil, and its permissions are those of
// the object, one for one; the diagnostics are of the aspect Accepted.
func (c *Compiler) Role(o *v1alpha1.Role) (*policy.Role, diag.List) {
	var f faults
	u := &policy.Role{Meta: metaOf(&o.ObjectMeta), Generation: o.Generation, ID: o.RoleID(), Assertable: o.Spec.Assertable}
	usable := f.effectiveID("spec.id", string(o.Spec.ID), u.ID)
	f.text("spec.description", string(o.Spec.Description))
	u.Inherits = f.idSet("spec.inherits", o.Spec.Inherits, maxInherits)
	f.list("spec.permissions", o.Spec.Permissions == nil, len(o.Spec.Permissions), maxPermissions)
	if len(o.Spec.Permissions) > 0 {
		u.Permissions = make([]policy.Permission, len(o.Spec.Permissions))
	}
	for i := range o.Spec.Permissions {
		u.Permissions[i] = c.permission(&f, index("spec.permissions", i), &o.Spec.Permissions[i])
		if !usable && !u.Permissions[i].Deny {
			u.Permissions[i].Condition = expr.Failing(errUnusable)
		}
	}
	return u, f.found
}

// RoleBinding compiles a RoleBinding. The unit is never nil, and its roles and
// subjects are those of the object, one for one; the diagnostics are of the
// aspect Accepted. A subject that cannot be is an empty key, which nobody has.
// If the scope, the resources or the validity is unusable, the unit is not
// limited by it and its gate fails, so that the roles are held for Deny only.
func (c *Compiler) RoleBinding(o *v1alpha1.RoleBinding) (*policy.Binding, diag.List) {
	var f faults
	u := &policy.Binding{Meta: metaOf(&o.ObjectMeta), Generation: o.Generation}
	u.Roles = f.idSet("spec.roles", orEmpty(o.Spec.Roles), maxRoles)
	f.list("spec.subjects", false, len(o.Spec.Subjects), maxSubjects)
	u.Subjects = f.keys("spec.subjects", "subject", o.Spec.Subjects)
	u.Gate = c.condition(&f, "spec.condition", o.Spec.Condition)

	var scoped, limited, timed bool
	u.Scope, scoped = f.scope(o.Spec.Scope)
	u.Resources, limited = f.instances(o.Spec.Resources)
	u.NotBefore, u.NotAfter, timed = f.validity(o.Spec.NotBefore, o.Spec.NotAfter)
	if !scoped || !limited || !timed {
		u.Gate = expr.Failing(errUnusable)
	}
	return u, f.found
}

// Group compiles a Group. The unit is never nil, and its members are those of the
// object, one for one; the diagnostics are of the aspect Accepted. A member that
// cannot be is an empty key, which nobody has. If the id is unusable, the members
// are in the group for Deny only.
func (c *Compiler) Group(o *v1alpha1.Group) (*policy.Group, diag.List) {
	var f faults
	u := &policy.Group{Meta: metaOf(&o.ObjectMeta), ID: o.GroupID()}
	u.DenyOnly = !f.effectiveID("spec.id", string(o.Spec.ID), u.ID)
	f.text("spec.description", string(o.Spec.Description))
	f.list("spec.members", o.Spec.Members == nil, len(o.Spec.Members), maxMembers)
	u.Members = f.keys("spec.members", "member", o.Spec.Members)
	return u, f.found
}

func metaOf(m *metav1.ObjectMeta) policy.Meta {
	return policy.Meta{
		Name:     m.Name,
		Created:  m.CreationTimestamp.Time,
		Deleting: m.DeletionTimestamp != nil,
	}
}

// orEmpty makes a list that is not there an empty one: what is required and
// missing is as bad as empty.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
