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

// bindingReconciler writes the status of RoleBindings.
type bindingReconciler struct{ desk }

// Reconcile judges one RoleBinding.
func (r *bindingReconciler) Reconcile(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
	var o v1alpha1.RoleBinding
	if found, err := r.read(ctx, req, &o); !found {
		return reconcile.Result{}, err
	}
	faults, err := r.faults(ctx, &o)
	if err != nil {
		return reconcile.Result{}, err
	}
	status := o.Status.DeepCopy()
	status.Subjects = int32(len(o.Spec.Subjects))
	conditions.Apply(&status.Status, faults, o.Generation, metav1.NewTime(r.now()))
	return reconcile.Result{}, r.publish(ctx, report{&o, &o.Status, status, &o.Status.Status, &status.Status})
}

func (r *bindingReconciler) faults(ctx context.Context, o *v1alpha1.RoleBinding) (diag.List, error) {
	unit, faults := r.compiler.RoleBinding(o)
	v := newVocabulary(ctx, r.lookup(o), r.compiler)
	faults = append(faults, compile.BindingRefs(unit, v)...)
	return faults, v.err
}
