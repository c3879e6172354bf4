// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac"

	"github.com/rolecall/rolecall/hack/bench/engine"
	"github.com/rolecall/rolecall/hack/bench/workload"
)

// kubernetes is the authorizer over lists that are ready: its best case, as the
// lister of an informer copies them for every request. Scopes are namespaces, a
// role is a ClusterRole, and one binding of a role in a scope has all its users.
type kubernetes struct {
	authorizer *rbac.RBACAuthorizer
	roles      map[string]*rbacv1.ClusterRole
	everywhere []*rbacv1.ClusterRoleBinding
	scoped     map[string][]*rbacv1.RoleBinding
	// place is where the binding of an assignment is in its list.
	place map[workload.Assignment]int
}

func newAuthorizer() *kubernetes {
	return &kubernetes{
		roles: map[string]*rbacv1.ClusterRole{}, scoped: map[string][]*rbacv1.RoleBinding{}, place: map[workload.Assignment]int{},
	}
}

var errNone = errors.New("there is none")

// GetRole is not asked for: every binding names a ClusterRole.
func (*kubernetes) GetRole(context.Context, string, string) (*rbacv1.Role, error) {
	return nil, errNone
}

// ListRoleBindings returns the bindings in a scope.
func (k *kubernetes) ListRoleBindings(_ context.Context, namespace string) ([]*rbacv1.RoleBinding, error) {
	return k.scoped[namespace], nil
}

// GetClusterRole returns a role.
func (k *kubernetes) GetClusterRole(_ context.Context, name string) (*rbacv1.ClusterRole, error) {
	if r := k.roles[name]; r != nil {
		return r, nil
	}
	return nil, errNone
}

// ListClusterRoleBindings returns the bindings that hold everywhere.
func (k *kubernetes) ListClusterRoleBindings(context.Context) ([]*rbacv1.ClusterRoleBinding, error) {
	return k.everywhere, nil
}

// Build implements engine.Engine.
func (k *kubernetes) Build(s *workload.Set) error {
	if s.Variant.Conditional() {
		return errors.New("the authorizer knows no conditions")
	}
	for i, permissions := range s.Roles {
		r := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: workload.RoleName(i)}}
		for _, p := range permissions {
			r.Rules = append(r.Rules, rbacv1.PolicyRule{
				APIGroups: []string{""}, Verbs: []string{star(p.Action, workload.ActionName)}, Resources: []string{star(p.Type, workload.TypeName)},
			})
		}
		k.roles[r.Name] = r
	}
	for u := range s.Users {
		for _, a := range s.Of(u) {
			k.add(a, workload.UserName(u))
		}
	}
	k.authorizer = rbac.New(k, k, k, k)
	return nil
}

// star returns a name, or * for any.
func star(i int, name func(int) string) string {
	if i == workload.Any {
		return "*"
	}
	return name(i)
}

func subject(name string) rbacv1.Subject {
	return rbacv1.Subject{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: name}
}

// subjects returns the subjects of the binding of an assignment, which is made if
// there is none.
func (k *kubernetes) subjects(a workload.Assignment) *[]rbacv1.Subject {
	i, ok := k.place[a]
	ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: workload.RoleName(int(a.Role))}
	if a.Scope == workload.Any {
		if !ok {
			i, k.place[a] = len(k.everywhere), len(k.everywhere)
			k.everywhere = append(k.everywhere, &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: ref.Name}, RoleRef: ref})
		}
		return &k.everywhere[i].Subjects
	}
	scope := workload.ScopeName(int(a.Scope))
	if !ok {
		i, k.place[a] = len(k.scoped[scope]), len(k.scoped[scope])
		meta := metav1.ObjectMeta{Name: ref.Name, Namespace: scope}
		k.scoped[scope] = append(k.scoped[scope], &rbacv1.RoleBinding{ObjectMeta: meta, RoleRef: ref})
	}
	return &k.scoped[scope][i].Subjects
}

func (k *kubernetes) add(a workload.Assignment, name string) {
	s := k.subjects(a)
	*s = append(*s, subject(name))
}

// Reader implements engine.Engine.
func (k *kubernetes) Reader(requests []workload.Request) engine.Reader {
	attributes := make([]authorizer.AttributesRecord, len(requests))
	for i := range requests {
		q := &requests[i]
		attributes[i] = authorizer.AttributesRecord{
			User: &user.DefaultInfo{Name: q.User}, Verb: q.Action, Namespace: q.Scope, Resource: q.Type, Name: q.ID, ResourceRequest: true,
		}
	}
	return func(i int) bool {
		decision, _, _ := k.authorizer.Authorize(context.Background(), &attributes[i])
		return decision == authorizer.DecisionAllow
	}
}

// Change implements engine.Engine: both bindings get new lists of subjects, as from
// an informer.
func (k *kubernetes) Change(userN int, from, to workload.Assignment) func() {
	name := workload.UserName(userN)
	return func() {
		old := k.subjects(from)
		kept := make([]rbacv1.Subject, 0, len(*old))
		for _, s := range *old {
			if s.Name != name {
				kept = append(kept, s)
			}
		}
		*old = kept
		grown := k.subjects(to)
		*grown = append(append(make([]rbacv1.Subject, 0, len(*grown)+1), *grown...), subject(name))
	}
}
