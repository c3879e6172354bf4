// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/compile"
)

// desk is what the reconcilers share: what they judge with and what they report
// by.
type desk struct {
	client   client.Client
	pace     *pace
	compiler *compile.Compiler
	recorder events.EventRecorder
	now      func() time.Time
}

// read gets an object from the cache, or returns false if it is gone. The object
// is the cache's own: it must not be changed.
func (d *desk) read(ctx context.Context, req reconcile.Request, o client.Object) (bool, error) {
	err := d.client.Get(ctx, req.NamespacedName, o, client.UnsafeDisableDeepCopy)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

func (d *desk) lookup(o client.Object) lookup {
	return lookup{client: d.client, namespace: o.GetNamespace()}
}

// report is a judgement: an object with the whole status that it has, the one it
// should have, and the part of each that all kinds share.
type report struct {
	object        client.Object
	was, is       any
	before, after *v1alpha1.Status
}

// publish writes a status that differs, and an event if the object has become
// Ready or has ceased to be.
//
// The patch holds the whole status, so that a count of 0 is stored and shown. It
// also holds the version that was judged: the cache may be behind this very
// controller's last write, and a judgement of an old version would be a second
// write, or undo that of a newer leader. Such a patch is refused, and nothing
// needs to be done about it: the version that the server has is still to come,
// and will be judged then.
func (d *desk) publish(ctx context.Context, r report) error {
	if equality.Semantic.DeepEqual(r.was, r.is) {
		return nil
	}
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": r.object.GetResourceVersion()},
		"status":   r.is,
	})
	if err != nil {
		return fmt.Errorf("encode the status of %s: %w", r.object.GetName(), err)
	}
	// The answer is decoded into what is patched, which must not be the cache's.
	answer, ok := r.object.DeepCopyObject().(client.Object)
	if !ok {
		return fmt.Errorf("copy %T: the copy is no object", r.object)
	}
	err = d.pace.write(ctx, func() error {
		return d.client.Status().Patch(ctx, answer, client.RawPatch(types.MergePatchType, patch))
	})
	switch {
	case apierrors.IsNotFound(err), apierrors.IsConflict(err):
		return nil
	case err != nil:
		return fmt.Errorf("write the status of %s: %w", r.object.GetName(), err)
	}
	d.announce(r)
	return nil
}

// announce records the transitions of Ready. An object that is fine when it is
// first seen is no news.
func (d *desk) announce(r report) {
	ready := meta.FindStatusCondition(r.after.Conditions, v1alpha1.ConditionReady)
	before := meta.FindStatusCondition(r.before.Conditions, v1alpha1.ConditionReady)
	isReady, first := ready.Status == metav1.ConditionTrue, before == nil
	if !first && before.Status == ready.Status || first && isReady {
		return
	}
	kind := corev1.EventTypeWarning
	if isReady {
		kind = corev1.EventTypeNormal
	}
	d.recorder.Eventf(r.object, nil, kind, ready.Reason, "Judge", "%s", ready.Message)
}
