// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/conditions"
	"github.com/rolecall/rolecall/internal/diag"
)

// roleReconciler writes the status of Roles.
type roleReconciler struct {
	desk
	bindings *tally
}

// Reconcile judges one Role.
func (r *roleReconciler) Reconcile(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
	var o v1alpha1.Role
	if found, err := r.read(ctx, req, &o); !found {
		return reconcile.Result{}, err
	}
	faults, err := r.faults(ctx, &o)
	if err != nil {
		return reconcile.Result{}, err
	}
	status := o.Status.DeepCopy()
	status.ID = o.RoleID()
	status.Permissions = int32(len(o.Spec.Permissions))
	status.Bindings = r.bindings.count(o.Namespace, o.RoleID())
	conditions.Apply(&status.Status, faults, o.Generation, metav1.NewTime(r.now()))
	return reconcile.Result{}, r.publish(ctx, report{&o, &o.Status, status, &o.Status.Status, &status.Status})
}

func (r *roleReconciler) faults(ctx context.Context, o *v1alpha1.Role) (diag.List, error) {
	unit, faults := r.compiler.Role(o)
	claimants, err := r.lookup(o).rolesOf(ctx, o.RoleID())
	if err != nil {
		return nil, err
	}
	if len(claimants) > 0 && claimants[0].Name != o.Name {
		faults = append(faults, compile.Conflict("Role", o.RoleID(), claimants[0].Name))
	}
	v := newVocabulary(ctx, r.lookup(o), r.compiler)
	faults = append(faults, compile.RoleRefs(unit, v)...)
	return faults, v.err
}
