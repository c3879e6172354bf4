// SPDX-License-Identifier: Apache-2.0

package export

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/hack/bench/product"
	"github.com/rolecall/rolecall/hack/bench/workload"
)

// Names of what Write writes.
const (
	RolecallDir = "rolecall"   // objects
	CerbosDir   = "cerbos"     // policies
	RegoFile    = "authz.rego" // OPA's policy
	RegoJSON    = "data.json"  // what it reads

	AuthZENBodies = "bodies.authzen" // for Rolecall and the floor
	CerbosBodies  = "bodies.cerbos"  // AuthZEN, with the roles that hold
	RegoBodies    = "bodies.opa"
)

// Write writes the workload for every server into a folder. A file of bodies has
// one on each line, after "1" or "0" for the right answer and a tab.
func Write(dir string, s *workload.Set, requests []workload.Request) error {
	for _, write := range []func() error{
		func() error { return writeRolecall(filepath.Join(dir, RolecallDir), s) },
		func() error { return writeCerbos(filepath.Join(dir, CerbosDir), s) },
		func() error { return file(filepath.Join(dir, RegoFile), []byte(Rego(s.Variant))) },
		func() error { return writeJSON(filepath.Join(dir, RegoJSON), RegoData(s)) },
		func() error { return bodies(filepath.Join(dir, AuthZENBodies), requests, authZEN) },
		func() error {
			return bodies(filepath.Join(dir, CerbosBodies), requests, func(q *workload.Request) any { return cerbosAuthZEN(s, q) })
		},
		func() error {
			return bodies(filepath.Join(dir, RegoBodies), requests, func(q *workload.Request) any { return object{"input": RegoInput(q)} })
		},
	} {
		if err := write(); err != nil {
			return err
		}
	}
	return nil
}

func file(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

func writeJSON(path string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return file(path, text)
}

func bodies(path string, requests []workload.Request, body func(*workload.Request) any) error {
	var b strings.Builder
	for i := range requests {
		text, err := json.Marshal(body(&requests[i]))
		if err != nil {
			return err
		}
		right := map[bool]byte{true: '1', false: '0'}[requests[i].Allowed]
		fmt.Fprintf(&b, "%c\t%s\n", right, text)
	}
	return file(path, []byte(b.String()))
}

// evaluation is AuthZEN's request, its members in the order in which the
// specification has them.
type evaluation struct {
	Subject  object `json:"subject"`
	Resource object `json:"resource"`
	Action   object `json:"action"`
	Context  object `json:"context"`
}

func authZEN(q *workload.Request) any {
	return evaluation{
		Subject:  object{"type": v1alpha1.SubjectUser, "id": q.User},
		Resource: object{"type": q.Type, "id": q.ID, "properties": object{"owner_id": q.Owner}},
		Action:   object{"name": q.Action},
		Context:  object{"scope": q.Scope},
	}
}

// cerbosAuthZEN has the roles that hold: Cerbos looks no user up.
func cerbosAuthZEN(s *workload.Set, q *workload.Request) any {
	roles := s.Effective(q.UserN, q.ScopeN)
	if len(roles) == 0 {
		roles = []string{"none"} // it wants at least one
	}
	e := authZEN(q).(evaluation)
	e.Subject["properties"] = object{"cerbos.roles": roles}
	return e
}

// writeRolecall writes the objects as the single shape has them.
func writeRolecall(dir string, s *workload.Set) error {
	for name, objects := range map[string][]metav1.Object{
		"resources.yaml": product.Resources(), "roles.yaml": product.Roles(s), "bindings.yaml": product.Singles(s),
	} {
		var b strings.Builder
		for _, o := range objects {
			text, err := yaml.Marshal(manifest(o))
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, "---\n%s", text)
		}
		if err := file(filepath.Join(dir, name), []byte(b.String())); err != nil {
			return err
		}
	}
	return nil
}

// manifest is an object as people write it: without what a server adds.
func manifest(o metav1.Object) any {
	var kind string
	var spec any
	switch o := o.(type) {
	case *v1alpha1.Resource:
		kind, spec = "Resource", o.Spec
	case *v1alpha1.Role:
		kind, spec = "Role", o.Spec
	case *v1alpha1.RoleBinding:
		kind, spec = "RoleBinding", o.Spec
	}
	return object{
		"apiVersion": v1alpha1.GroupVersion.String(), "kind": kind, "spec": spec,
		"metadata": object{"name": o.GetName(), "namespace": o.GetNamespace()},
	}
}

// writeCerbos writes a resource policy for each type: a rule for each action, with
// the roles that grant it.
func writeCerbos(dir string, s *workload.Set) error {
	granting := map[[2]int][]string{}
	for i, permissions := range s.Roles {
		for _, p := range permissions {
			p.Expand(func(typ, action int) {
				key := [2]int{typ, action}
				granting[key] = append(granting[key], workload.RoleName(i))
			})
		}
	}
	for t := range workload.Types {
		var b strings.Builder
		name := workload.TypeName(t)
		fmt.Fprintf(&b, "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  version: default\n  resource: %s\n  rules:\n", name)
		for a := range workload.Actions {
			if roles := granting[[2]int{t, a}]; len(roles) > 0 {
				fmt.Fprintf(&b, "    - actions: [%s]\n      effect: EFFECT_ALLOW\n      roles: [%s]\n", workload.ActionName(a), strings.Join(roles, ", "))
			}
		}
		if err := file(filepath.Join(dir, name+".yaml"), []byte(b.String())); err != nil {
			return err
		}
	}
	return nil
}
