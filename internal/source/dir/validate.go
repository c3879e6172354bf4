// SPDX-License-Identifier: Apache-2.0

package dir

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/diag"
)

// origin is where an object stands.
type origin struct {
	doc  *document
	node *yaml.Node
}

func (o origin) position(path string) Position {
	at, _ := locate(o.node, path)
	return o.doc.at(at.key)
}

// inside returns the place of a line and a column in the text of a field.
func (o origin) inside(path string, line, column int) Position {
	at, whole := locate(o.node, path)
	if line == 0 || !whole {
		return o.doc.at(at.key)
	}
	return o.doc.inside(at.value, line, column)
}

// validator turns one document into a manifest and collects what is wrong with
// it.
type validator struct {
	origin
	kind   string
	schema *schema
	meta   metav1.ObjectMeta
	faults Faults
}

func (v *validator) fault(path, reason, message string) {
	v.faultAt(v.position(path), path, reason, message)
}

func (v *validator) faultAt(at Position, path, reason, message string) {
	v.faults = append(v.faults, Fault{
		Position: at, Severity: diag.Error, Reason: reason,
		Kind: v.kind, Namespace: v.meta.Namespace, Name: v.meta.Name,
		Path: path, Message: message, Refused: true,
	})
}

// manifest validates an object as the API server does on creation. It returns
// nil if it cannot be read as its kind.
func (v *validator) manifest(ctx context.Context, object map[string]any) *Manifest {
	unknown, ok := v.metadata(object)
	v.strict(object, unknown)
	delete(object, "status")
	v.schema.complete(object)
	v.invalid(v.schema.validate(ctx, object))
	if !ok {
		return nil
	}
	return v.typed(object)
}

// metadata reads the object's metadata as far as it is the author's to write,
// and returns the paths of what is unknown in it.
func (v *validator) metadata(object map[string]any) (unknown []string, ok bool) {
	m, _, unknown, err := objectmeta.GetObjectMetaWithOptions(object, objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true})
	if err != nil {
		v.fault("metadata", v1alpha1.ReasonInvalidSpec, fmt.Sprintf("%s: correct the metadata", err))
		return nil, false
	}
	if m == nil {
		m = &metav1.ObjectMeta{}
	}
	if m.Namespace == "" {
		m.Namespace = metav1.NamespaceDefault
	}
	v.meta = metav1.ObjectMeta{
		Name: m.Name, Namespace: m.Namespace, Labels: m.Labels, Annotations: m.Annotations,
		Finalizers: m.Finalizers, OwnerReferences: m.OwnerReferences,
	}
	if m.Name == "" && m.GenerateName != "" {
		v.fault("metadata.generateName", v1alpha1.ReasonInvalidSpec, "only an API server generates names: give the object a metadata.name")
		return unknown, true
	}
	v.invalid(apivalidation.ValidateObjectMeta(&v.meta, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata")))
	return unknown, true
}

// strict reports what the API server refuses under strict field validation, and
// fields without a value. What Kubernetes itself writes without one (the
// metadata and the status of an object that was never stored) is let pass.
func (v *validator) strict(object map[string]any, unknown []string) {
	for _, d := range duplicates(v.node, "") {
		v.faultAt(v.doc.at(d.second), d.path, ReasonDuplicateField,
			fmt.Sprintf("the field stands twice, first in line %d: remove one of the two", v.doc.at(d.first).Line))
	}
	if spec, written := object["spec"]; written {
		for _, path := range v.schema.nulls(spec) {
			v.fault(path, ReasonNullField, "the field has no value: give it one, or remove it")
		}
	}
	for _, path := range append(unknown, v.schema.prune(object)...) {
		dot := strings.LastIndexByte(path, '.')
		v.fault(path, ReasonUnknownField, fmt.Sprintf("unknown field%s: correct it, or remove it",
			compile.DidYouMean(path[dot+1:], v.schema.fields(path[:max(dot, 0)]))))
	}
}

// invalid reports what the schema or the rules of metadata refuse, as the API
// server says it.
func (v *validator) invalid(errs field.ErrorList) {
	for _, err := range errs {
		if v.isNull(err.Field) {
			continue
		}
		message := strings.Join(strings.Fields(err.ErrorBody()), " ")
		if err.Type == field.ErrorTypeTypeInvalid && strings.Contains(message, "must be of type string") {
			message += ": put it in quotes if it is meant as text"
		}
		v.fault(err.Field, v1alpha1.ReasonInvalidSpec, message)
	}
}

// isNull reports whether the field has been found to have no value, which the
// schema then says in its way.
func (v *validator) isNull(path string) bool {
	return slices.ContainsFunc(v.faults, func(f Fault) bool { return f.Path == path && f.Reason == ReasonNullField })
}

// typed converts the object to its Go type.
func (v *validator) typed(object map[string]any) *Manifest {
	delete(object, "metadata")
	typed := v.schema.create()
	err := runtime.DefaultUnstructuredConverter.FromUnstructured(object, typed)
	id, idErr := contentID(object, &v.meta)
	if err = errors.Join(err, idErr); err != nil {
		if len(v.faults) == 0 {
			v.fault("spec", v1alpha1.ReasonInvalidSpec, fmt.Sprintf("%s: correct the value", err))
		}
		return nil
	}
	typed.SetName(v.meta.Name)
	typed.SetNamespace(v.meta.Namespace)
	typed.SetLabels(v.meta.Labels)
	typed.SetAnnotations(v.meta.Annotations)
	typed.SetGeneration(1)
	typed.SetUID(id)
	return &Manifest{Object: typed, Kind: v.kind, origin: v.origin}
}

// contentID returns a UID that differs whenever the object does: files have no
// other that would survive a restart.
func contentID(object map[string]any, meta *metav1.ObjectMeta) (types.UID, error) {
	text, err := json.Marshal([]any{meta, object})
	if err != nil {
		return "", fmt.Errorf("hash the object: %w", err)
	}
	sum := sha256.Sum256(text)
	return types.UID(hex.EncodeToString(sum[:16])), nil
}
