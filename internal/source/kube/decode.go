// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/store"
)

// codec decodes what policy is made of in the objects of one kind, and in lists of
// them, and passes over what strip would take off, most of the text. The library's
// decoder reads the text four times and makes objects of all of it. It still decodes
// whatever is not such a text, and says what is wrong with it.
type codec struct {
	runtime.NegotiatedSerializer
	kind store.Kind
}

// DecoderToVersion is what a client asks for, with the media type's serializer.
func (c codec) DecoderToVersion(s runtime.Decoder, gv runtime.GroupVersioner) runtime.Decoder {
	return decoder{c.NegotiatedSerializer.DecoderToVersion(s, gv), c.kind}
}

type decoder struct {
	library runtime.Decoder
	kind    store.Kind
}

// Decode implements runtime.Decoder.
func (d decoder) Decode(
	text []byte, defaults *schema.GroupVersionKind, into runtime.Object,
) (runtime.Object, *schema.GroupVersionKind, error) {
	if into == nil {
		if o, kind := d.lean(text); o != nil {
			return o, new(v1alpha1.GroupVersion.WithKind(kind)), nil
		}
	}
	return d.library.Decode(text, defaults, into)
}

// lean returns an object or a list, and its kind, or nil for any other text.
func (d decoder) lean(text []byte) (runtime.Object, string) {
	switch d.kind {
	case store.KindResource:
		return decodeLean[v1alpha1.ResourceSpec](text, d.kind)
	case store.KindRole:
		return decodeLean[v1alpha1.RoleSpec](text, d.kind)
	case store.KindRoleBinding:
		return decodeLean[v1alpha1.RoleBindingSpec](text, d.kind)
	case store.KindGroup:
		return decodeLean[v1alpha1.GroupSpec](text, d.kind)
	}
	return nil, ""
}

// lean is what policy is made of in an object.
type lean[Spec any] struct {
	Metadata leanMeta `json:"metadata"`
	Spec     Spec     `json:"spec"`
}

type leanMeta struct {
	Name              string       `json:"name"`
	Namespace         string       `json:"namespace"`
	UID               types.UID    `json:"uid"`
	ResourceVersion   string       `json:"resourceVersion"`
	Generation        int64        `json:"generation"`
	CreationTimestamp metav1.Time  `json:"creationTimestamp"`
	DeletionTimestamp *metav1.Time `json:"deletionTimestamp"`

	// Of lists.
	Continue           string `json:"continue"`
	RemainingItemCount *int64 `json:"remainingItemCount"`
}

// envelope is an object or a list of objects.
type envelope[Spec any] struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	lean[Spec]
	Items items[Spec] `json:"items"`
}

// asTheLibrary makes the decoder take what the library takes, where that costs it
// nothing: of members of the same name the last one counts.
var asTheLibrary = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

func decodeLean[Spec any](text []byte, kind store.Kind) (runtime.Object, string) {
	var e envelope[Spec]
	if err := json.Unmarshal(text, &e, asTheLibrary); err != nil || e.APIVersion != v1alpha1.GroupVersion.String() {
		return nil, ""
	}
	switch e.Kind {
	case string(kind):
		return e.object(), e.Kind
	case string(kind) + "List":
		m := &e.Metadata
		return &internalversion.List{Items: e.Items, ListMeta: metav1.ListMeta{
			ResourceVersion: m.ResourceVersion, Continue: m.Continue, RemainingItemCount: m.RemainingItemCount,
		}}, e.Kind
	}
	return nil, ""
}

// object makes the object that the rest of the program knows.
func (l *lean[Spec]) object() runtime.Object {
	m := &l.Metadata
	meta := metav1.ObjectMeta{
		Name: m.Name, Namespace: m.Namespace, UID: m.UID, ResourceVersion: m.ResourceVersion,
		Generation: m.Generation, CreationTimestamp: m.CreationTimestamp, DeletionTimestamp: m.DeletionTimestamp,
	}
	switch spec := any(&l.Spec).(type) {
	case *v1alpha1.ResourceSpec:
		return &v1alpha1.Resource{ObjectMeta: meta, Spec: *spec}
	case *v1alpha1.RoleSpec:
		return &v1alpha1.Role{ObjectMeta: meta, Spec: *spec}
	case *v1alpha1.RoleBindingSpec:
		return &v1alpha1.RoleBinding{ObjectMeta: meta, Spec: *spec}
	case *v1alpha1.GroupSpec:
		return &v1alpha1.Group{ObjectMeta: meta, Spec: *spec}
	}
	return nil
}

// items are the objects of a list.
type items[Spec any] []runtime.Object

// UnmarshalJSONFrom makes each object as it is read: the list is held once.
func (s *items[Spec]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	t, err := d.ReadToken()
	if err != nil || t.Kind() == jsontext.KindNull {
		return err
	}
	if t.Kind() != jsontext.KindBeginArray {
		return errNoItems
	}
	for d.PeekKind() != jsontext.KindEndArray {
		var l lean[Spec]
		if err := json.UnmarshalDecode(d, &l); err != nil {
			return err
		}
		*s = append(*s, l.object())
	}
	_, err = d.ReadToken()
	return err
}

// errNoItems is never seen: the library says the same better.
var errNoItems = errors.New("the items of a list are no array")
