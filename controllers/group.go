// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/conditions"
	"github.com/rolecall/rolecall/internal/diag"
)

// groupReconciler writes the status of Groups.
type groupReconciler struct{ desk }

// Reconcile judges one Group.
func (r *groupReconciler) Reconcile(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
	var o v1alpha1.Group
	if found, err := r.read(ctx, req, &o); !found {
		return reconcile.Result{}, err
	}
	faults, err := r.faults(ctx, &o)
	if err != nil {
		return reconcile.Result{}, err
	}
	status := o.Status.DeepCopy()
	status.ID = o.GroupID()
	status.Members = int32(len(o.Spec.Members))
	conditions.Apply(&status.Status, faults, o.Generation, metav1.NewTime(r.now()))
	return reconcile.Result{}, r.publish(ctx, report{&o, &o.Status, status, &o.Status.Status, &status.Status})
}

func (r *groupReconciler) faults(ctx context.Context, o *v1alpha1.Group) (diag.List, error) {
	unit, faults := r.compiler.Group(o)
	claimants, err := r.lookup(o).groupsOf(ctx, o.GroupID())
	if err != nil {
		return nil, err
	}
	if len(claimants) > 0 && claimants[0].Name != o.Name {
		faults = append(faults, compile.Conflict("Group", o.GroupID(), claimants[0].Name))
	}
	v := newVocabulary(ctx, r.lookup(o), r.compiler)
	faults = append(faults, compile.GroupRefs(unit, v, func(id string) []string {
		groups, err := r.lookup(o).groupsOf(ctx, id)
		v.failed(err)
		var members []string
		for i := range groups {
			members = append(members, nestedGroups(&groups[i])...)
		}
		return members
	})...)
	return faults, v.err
}

// membersOtherwise concerns those who may be in a cycle with a Group.
func membersOtherwise(before, after client.Object) bool {
	b, isGroup := before.(*v1alpha1.Group)
	a, stillIs := after.(*v1alpha1.Group)
	return !isGroup || !stillIs || !slices.Equal(nestedGroups(b), nestedGroups(a))
}

// groupClaimants returns the Groups that claim the id of a Group.
func groupClaimants(ctx context.Context, l lookup, o client.Object) ([]reconcile.Request, error) {
	claimants, err := l.groupsOf(ctx, v1alpha1.IDOf(o))
	return requests(claimants), err
}

// containers returns the Groups that a Group is in, directly or through others: all
// that may be in a cycle with it.
func containers(ctx context.Context, l lookup, o client.Object) ([]reconcile.Request, error) {
	return upwards(v1alpha1.IDOf(o), func(id string, reached *set) ([]reconcile.Request, error) {
		var list v1alpha1.GroupList
		err := l.find(ctx, &list, byMember, id)
		for i := range list.Items {
			reached.add(list.Items[i].GroupID())
		}
		return requests(list.Items), err
	})
}

// groupsNamingType returns the Groups that have members of the type of a Resource.
func groupsNamingType(ctx context.Context, l lookup, o client.Object) ([]reconcile.Request, error) {
	var list v1alpha1.GroupList
	err := l.find(ctx, &list, byType, v1alpha1.IDOf(o))
	return requests(list.Items), err
}
