// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// publishedAt is the annotation of the ConfigMap that says since when each authority
// is in it: written with it and lost with it, it cannot be wrong about it.
const publishedAt = "rolecall.dev/published-at"

// published returns the ConfigMap; one that is not stored if there is none, and nil
// with the error if it cannot be told or is not ours.
func (k *Keeper) published(ctx context.Context) (*corev1.ConfigMap, error) {
	m := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Namespace: k.options.Namespace, Name: k.options.Config.ConfigMapName, Labels: map[string]string{ownerLabel: owner},
	}}
	key := client.ObjectKeyFromObject(m)
	found := &corev1.ConfigMap{}
	switch err := k.client.Get(ctx, key, found); {
	case apierrors.IsNotFound(err):
		return m, nil
	case err != nil:
		return nil, fmt.Errorf("read the ConfigMap %s: %w", key, err)
	}
	if err := owned(found, "ConfigMap", "configMapName"); err != nil {
		return nil, err
	}
	return found, nil
}

// since reads the annotation. What cannot be read says nothing, and so nothing is
// taken for published.
func since(m *corev1.ConfigMap) map[string]time.Time {
	times := make(map[string]time.Time)
	if m == nil || json.Unmarshal([]byte(m.Annotations[publishedAt]), &times) != nil {
		return nil
	}
	return times
}

// publish writes the authorities to the ConfigMap if it does not have them already.
// An authority is published from now on if it was not in there.
func (k *Keeper) publish(ctx context.Context, m *corev1.ConfigMap, s *set) error {
	if m == nil {
		return nil
	}
	now := k.options.Now().UTC().Truncate(time.Second)
	before, after := since(m), make(map[string]time.Time)
	bundle := s.bundle()
	for i := range s.authorities {
		a := &s.authorities[i]
		after[a.id()] = now
		// What a clock has said that was ahead is no reason to wait for it.
		if t, known := before[a.id()]; known && t.Before(now) && bytes.Contains([]byte(m.Data[bundleKey]), encode(a.cert)) {
			after[a.id()] = t
		}
	}
	if m.Data[bundleKey] == string(bundle) && maps.EqualFunc(before, after, time.Time.Equal) {
		return nil
	}
	times, err := json.Marshal(after)
	if err != nil {
		return err
	}
	metav1.SetMetaDataAnnotation(&m.ObjectMeta, publishedAt, string(times))
	if m.Data == nil {
		m.Data = make(map[string]string)
	}
	m.Data[bundleKey] = string(bundle)
	name := m.Namespace + "/" + m.Name
	if m.ResourceVersion == "" {
		return wrote("create", "ConfigMap", k.client.Create(ctx, m), name)
	}
	return wrote("update", "ConfigMap", k.client.Update(ctx, m), name)
}

// inject tells the API server whom to trust when it asks the webhooks. A
// configuration that is not there is nobody's: its webhook is not asked.
func (k *Keeper) inject(ctx context.Context, s *set) error {
	name := k.options.WebhookConfiguration
	if name == "" {
		return nil
	}
	found := &admissionregistrationv1.ValidatingWebhookConfiguration{}
	switch err := k.client.Get(ctx, client.ObjectKey{Name: name}, found); {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("read the ValidatingWebhookConfiguration %s: %w", name, err)
	}
	before, bundle, differs := found.DeepCopy(), s.bundle(), false
	for i := range found.Webhooks {
		c := &found.Webhooks[i].ClientConfig
		differs = differs || !bytes.Equal(c.CABundle, bundle)
		c.CABundle = bundle
	}
	if !differs {
		return nil
	}
	// Of each webhook the bundle alone is sent, so that nobody's fields are lost.
	patch := client.StrategicMergeFrom(before, client.MergeFromWithOptimisticLock{})
	return wrote("patch", "ValidatingWebhookConfiguration", k.client.Patch(ctx, found, patch), name)
}
