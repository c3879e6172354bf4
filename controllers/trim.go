// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"slices"
	"sync"
	"unique"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rolecall/rolecall/api/v1alpha1"
)

// NewTrim returns the transform for the cache of the manager that has the
// controllers. Of the metadata it leaves what a status is made of and what a
// write and an event need; specs and statuses stay as they are. A decoder
// leaves slack behind each list and makes each string anew, so lists are copied
// to their length and words that most objects use are held once: the leader
// holds every object, and most of one is of this kind.
//
// The transform changes the object that it is given, which has just been
// decoded, and may be used by several informers at once.
func NewTrim() cache.TransformFunc {
	t := &trimmer{conditions: map[conditionsKey][]metav1.Condition{}}
	return t.trim
}

// sharedConditions bounds how many lists of conditions are remembered, to be
// shared by the objects that come next.
const sharedConditions = 4096

// conditionsKey is a list of conditions that can be looked up: the conditions
// that Rolecall sets, and whatever is missing is empty.
type conditionsKey [4]metav1.Condition

type trimmer struct {
	mu sync.Mutex
	// conditions are lists that objects which have been judged in the same
	// second alike have in common. They are never changed: who writes a status
	// begins with a copy.
	conditions map[conditionsKey][]metav1.Condition
}

func (t *trimmer) trim(obj any) (any, error) {
	switch o := obj.(type) {
	case *v1alpha1.Resource:
		trimMeta(&o.TypeMeta, &o.ObjectMeta)
		o.Spec.Actions = slices.Clone(o.Spec.Actions)
		t.trimStatus(&o.Status.Status)
	case *v1alpha1.Role:
		trimMeta(&o.TypeMeta, &o.ObjectMeta)
		trimRole(&o.Spec)
		t.trimStatus(&o.Status.Status)
	case *v1alpha1.RoleBinding:
		trimMeta(&o.TypeMeta, &o.ObjectMeta)
		trimBinding(&o.Spec)
		t.trimStatus(&o.Status.Status)
	case *v1alpha1.Group:
		trimMeta(&o.TypeMeta, &o.ObjectMeta)
		trimSubjects(&o.Spec.Members)
		t.trimStatus(&o.Status.Status)
	case client.Object:
		return nil, fmt.Errorf("trim %T, which no status is made of", o)
	}
	return obj, nil
}

func trimMeta(t *metav1.TypeMeta, m *metav1.ObjectMeta) {
	*t = metav1.TypeMeta{}
	*m = metav1.ObjectMeta{
		Namespace: shared(m.Namespace), Name: m.Name, UID: m.UID,
		ResourceVersion: m.ResourceVersion, Generation: m.Generation,
		CreationTimestamp: m.CreationTimestamp, DeletionTimestamp: m.DeletionTimestamp,
	}
}

func trimRole(s *v1alpha1.RoleSpec) {
	s.Inherits = sharedList(s.Inherits)
	s.Permissions = slices.Clone(s.Permissions)
	for i := range s.Permissions {
		p := &s.Permissions[i]
		p.Effect, p.Resource, p.Actions = shared(p.Effect), shared(p.Resource), sharedList(p.Actions)
	}
}

func trimBinding(s *v1alpha1.RoleBindingSpec) {
	s.Roles, s.Scope = sharedList(s.Roles), shared(s.Scope)
	trimSubjects(&s.Subjects)
	s.Resources = slices.Clone(s.Resources)
	for i := range s.Resources {
		s.Resources[i].Type = shared(s.Resources[i].Type)
	}
}

func trimSubjects(subjects *[]v1alpha1.Subject) {
	*subjects = slices.Clone(*subjects)
	for i := range *subjects {
		s := &(*subjects)[i]
		s.Type, s.Connection = shared(s.Type), shared(s.Connection)
	}
}

func (t *trimmer) trimStatus(s *v1alpha1.Status) {
	var key conditionsKey
	if len(s.Conditions) == 0 || len(s.Conditions) > len(key) {
		return
	}
	copy(key[:], s.Conditions)
	t.mu.Lock()
	defer t.mu.Unlock()
	list, known := t.conditions[key]
	if !known {
		if len(t.conditions) >= sharedConditions {
			clear(t.conditions)
		}
		list = sharedConditionsOf(s.Conditions)
		copy(key[:], list) // its words live as long as the list
		t.conditions[key] = list
	}
	s.Conditions = list
}

func sharedConditionsOf(conditions []metav1.Condition) []metav1.Condition {
	conditions = slices.Clone(conditions)
	for i := range conditions {
		c := &conditions[i]
		c.Type, c.Status, c.Reason, c.Message = shared(c.Type), shared(c.Status), shared(c.Reason), shared(c.Message)
	}
	return conditions
}

// shared returns the one copy of a word that the process holds.
func shared[T ~string](word T) T {
	return unique.Make(word).Value()
}

func sharedList[T ~string](words []T) []T {
	words = slices.Clone(words)
	for i := range words {
		words[i] = shared(words[i])
	}
	return words
}
