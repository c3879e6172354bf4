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

// resourceReconciler writes the status of Resources.
type resourceReconciler struct {
	desk
	tables *tables
}

// Reconcile judges one Resource.
func (r *resourceReconciler) Reconcile(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
	var o v1alpha1.Resource
	if found, err := r.read(ctx, req, &o); !found {
		return reconcile.Result{}, err
	}
	faults, err := r.faults(ctx, &o)
	if err != nil {
		return reconcile.Result{}, err
	}
	status := o.Status.DeepCopy()
	status.ID = o.TypeID()
	status.Actions = int32(len(o.Spec.Actions))
	conditions.Apply(&status.Status, faults, o.Generation, metav1.NewTime(r.now()))
	return reconcile.Result{}, r.publish(ctx, report{&o, &o.Status, status, &o.Status.Status, &status.Status})
}

func (r *resourceReconciler) faults(ctx context.Context, o *v1alpha1.Resource) (diag.List, error) {
	unit, faults := r.compiler.Resource(o)
	claimants, err := r.lookup(o).resourcesOf(ctx, o.TypeID())
	if err != nil {
		return nil, err
	}
	if len(claimants) > 0 && claimants[0].Name != o.Name {
		faults = append(faults, compile.Conflict("Resource", o.TypeID(), claimants[0].Name))
	}
	if len(unit.Routes) == 0 {
		return faults, nil
	}
	table, err := r.tables.of(ctx, r.lookup(o))
	return append(faults, compile.RouteRefs(unit, table)...), err
}
