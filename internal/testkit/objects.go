// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/rolecall/rolecall/api/v1alpha1"
)

// Object is a Resource, a Role, a RoleBinding or a Group.
type Object interface {
	runtime.Object
	metav1.Object
}

// Objects reads a stream of YAML documents, strictly. An object that says no
// apiVersion has that of the API, one that says no namespace is in Namespace.
func Objects(text []byte) ([]Object, error) {
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	var objects []Object
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		object, err := decode(document)
		if err != nil {
			return nil, fmt.Errorf("read object %d: %w", len(objects)+1, err)
		}
		if object != nil {
			objects = append(objects, object)
		}
	}
}

func decode(document []byte) (Object, error) {
	var head struct {
		Kind string `json:"kind"`
	}
	if err := yaml.Unmarshal(document, &head); err != nil {
		return nil, err
	}
	object, err := NewObject(head.Kind)
	if head.Kind == "" || err != nil {
		return nil, err
	}
	if err := yaml.UnmarshalStrict(document, object); err != nil {
		return nil, err
	}
	object.GetObjectKind().SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(head.Kind))
	if object.GetNamespace() == "" {
		object.SetNamespace(Namespace)
	}
	return object, nil
}

// NewObject returns an empty object of a kind; nil for no kind at all, which is
// what an empty document has.
func NewObject(kind string) (Object, error) {
	switch kind {
	case "":
		return nil, nil
	case "Resource":
		return &v1alpha1.Resource{}, nil
	case "Role":
		return &v1alpha1.Role{}, nil
	case "RoleBinding":
		return &v1alpha1.RoleBinding{}, nil
	case "Group":
		return &v1alpha1.Group{}, nil
	}
	return nil, fmt.Errorf("kind %q is not known", kind)
}

// Copy returns a deep copy.
func Copy[T Object](o T) T {
	c, ok := o.DeepCopyObject().(T)
	if !ok {
		panic("testkit: a copy has another type")
	}
	return c
}

// Name returns what an object is called in expectations: Role/viewer, and
// Role/other/viewer if it is not in Namespace.
func Name(o Object) string {
	name := o.GetName()
	if o.GetNamespace() != Namespace {
		name = o.GetNamespace() + "/" + name
	}
	return o.GetObjectKind().GroupVersionKind().Kind + "/" + name
}

// YAML renders objects as a stream of documents.
func YAML(objects ...Object) ([]byte, error) {
	var text bytes.Buffer
	for _, o := range objects {
		document, err := yaml.Marshal(o)
		if err != nil {
			return nil, err
		}
		text.WriteString("---\n")
		text.Write(document)
	}
	return text.Bytes(), nil
}

// MetaObjects returns the objects as those who need no more than metadata take
// them.
func MetaObjects(objects []Object) []metav1.Object {
	all := make([]metav1.Object, len(objects))
	for i, o := range objects {
		all[i] = o
	}
	return all
}
