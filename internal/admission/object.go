// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"encoding/json"
	"errors"
	"fmt"

	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/store"
)

// write is what is about to happen to an object.
type write struct {
	namespace string
	kind      store.Kind
	author    *authenticationv1.UserInfo
	// before is nil if the object is new, and after if it is deleted.
	before, after metav1.Object
}

// read reads a review. Its error is for the author.
func read(r *admissionv1.AdmissionRequest) (*write, error) {
	w := &write{namespace: r.Namespace, kind: store.Kind(r.Kind.Kind), author: &r.UserInfo}
	var err error
	switch r.Operation {
	case admissionv1.Create:
		w.after, err = w.object(r.Object)
	case admissionv1.Update:
		if w.before, err = w.object(r.OldObject); err == nil {
			w.after, err = w.object(r.Object)
		}
	case admissionv1.Delete:
		w.before, err = w.object(r.OldObject)
	default:
		err = errOperation
	}
	return w, err
}

var errOperation = errors.New("the rules of the webhook ask for another operation than CREATE, UPDATE and DELETE")

// object reads an object of the write's kind.
func (w *write) object(raw runtime.RawExtension) (metav1.Object, error) {
	var o metav1.Object
	switch w.kind {
	case store.KindResource:
		o = &v1alpha1.Resource{}
	case store.KindRole:
		o = &v1alpha1.Role{}
	case store.KindRoleBinding:
		o = &v1alpha1.RoleBinding{}
	case store.KindGroup:
		o = &v1alpha1.Group{}
	default:
		return nil, fmt.Errorf("the rules of the webhook ask for the kind %.80q, which is none of Rolecall's", string(w.kind))
	}
	if err := json.Unmarshal(raw.Raw, o); err != nil {
		return nil, fmt.Errorf("read the %s: %w", w.kind, err)
	}
	return o, nil
}
