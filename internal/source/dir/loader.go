// SPDX-License-Identifier: Apache-2.0

package dir

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/diag"
)

// Loader reads manifests. It is safe for concurrent use.
type Loader struct {
	kinds map[string]*schema
}

// NewLoader returns a loader that validates by the embedded CRDs. An error means
// that the program was built wrong.
func NewLoader() (*Loader, error) {
	kinds, err := schemas()
	if err != nil {
		return nil, err
	}
	return &Loader{kinds: kinds}, nil
}

// Set is what a number of files hold.
type Set struct {
	// Manifests are the documents that can be read as objects, in the order of
	// the files; also those with faults.
	Manifests []*Manifest
	// Faults is what is wrong with the files and their documents, each by
	// itself. Diagnose finds the rest.
	Faults Faults
	// Skipped are the documents of other API groups.
	Skipped []Skipped
}

// Manifest is an object and where it stands.
type Manifest struct {
	// Object is a *v1alpha1.Resource, *v1alpha1.Role, *v1alpha1.RoleBinding or
	// *v1alpha1.Group, complete with defaults and with a UID that changes with what it says.
	Object metav1.Object
	// Kind is the object's.
	Kind string
	// Valid says that the manifest has no fault in Set.Faults.
	Valid bool

	origin origin
}

// Position returns where a field of the object stands, or the nearest field
// around it that is there.
func (m *Manifest) Position(path string) Position { return m.origin.position(path) }

// Skipped is a document of another API group.
type Skipped struct {
	Position
	APIVersion, Kind string
}

// Load reads the documents of files.
func (l *Loader) Load(ctx context.Context, files []File) *Set {
	r := &reading{loader: l, set: &Set{}, seen: make(map[identity]*Manifest)}
	for _, f := range files {
		docs, faults := parse(f)
		r.set.Faults = append(r.set.Faults, faults...)
		for _, d := range docs {
			r.object(ctx, origin{doc: d, node: d.root}, d.value)
		}
	}
	r.set.Faults = r.set.Faults.sorted()
	return r.set
}

// identity is what there can be only one of.
type identity struct{ kind, namespace, name string }

// reading is one Load.
type reading struct {
	loader *Loader
	set    *Set
	seen   map[identity]*Manifest
}

// object reads what a document, or an item of a list, holds.
func (r *reading) object(ctx context.Context, o origin, value any) {
	object, ok := value.(map[string]any)
	if !ok {
		r.fault(o, "", ReasonUnreadable, "the document is no object: write apiVersion, kind, metadata and spec")
		return
	}
	apiVersion, _ := object["apiVersion"].(string)
	kind, _ := object["kind"].(string)
	gv, err := kschema.ParseGroupVersion(apiVersion)
	if err != nil {
		gv = kschema.GroupVersion{Group: apiVersion}
	}
	if items, isList := object["items"].([]any); isList && strings.HasSuffix(kind, "List") && (gv.Group == "" || gv.Group == v1alpha1.GroupName) {
		r.list(ctx, o, items)
		return
	}
	r.kind(ctx, o, object, kschema.GroupVersionKind{Group: gv.Group, Version: gv.Version, Kind: kind})
}

func (r *reading) list(ctx context.Context, o origin, items []any) {
	at, _ := locate(o.node, "items")
	for i, item := range items {
		entry, found := child(at.value, fmt.Sprint(i))
		if !found {
			entry = at
		}
		r.object(ctx, origin{doc: o.doc, node: entry.value}, item)
	}
}

// kind reads an object of a kind, if that is one of ours.
func (r *reading) kind(ctx context.Context, o origin, object map[string]any, gvk kschema.GroupVersionKind) {
	known := slices.Sorted(maps.Keys(r.loader.kinds))
	apiVersion, _ := object["apiVersion"].(string)
	hint := compile.DidYouMean(gvk.Group, []string{v1alpha1.GroupName})
	switch {
	case apiVersion == "" || gvk.Kind == "":
		r.fault(o, "", ReasonUnknownKind, fmt.Sprintf("the document lacks apiVersion or kind: write apiVersion: %s and one of the kinds %s, or move the file out of the folder",
			v1alpha1.GroupVersion, strings.Join(known, ", ")))
	case gvk.Group != v1alpha1.GroupName && hint != "":
		r.fault(o, "apiVersion", ReasonUnknownKind, fmt.Sprintf("%q is of an unknown API group%s: correct it", apiVersion, hint))
	case gvk.Group != v1alpha1.GroupName:
		r.set.Skipped = append(r.set.Skipped, Skipped{Position: o.position(""), APIVersion: apiVersion, Kind: gvk.Kind})
	case gvk.Version != v1alpha1.GroupVersion.Version:
		r.fault(o, "apiVersion", ReasonUnknownKind, fmt.Sprintf("%q is a version that there is not: write %s", apiVersion, v1alpha1.GroupVersion))
	case r.loader.kinds[gvk.Kind] == nil:
		r.fault(o, "kind", ReasonUnknownKind, fmt.Sprintf("%q is a kind that there is not%s: write one of %s",
			gvk.Kind, compile.DidYouMean(gvk.Kind, known), strings.Join(known, ", ")))
	default:
		r.manifest(ctx, o, gvk.Kind, object)
	}
}

// fault records a fault of a document that is no manifest.
func (r *reading) fault(o origin, path, reason, message string) {
	r.set.Faults = append(r.set.Faults, Fault{
		Position: o.position(path), Severity: diag.Error, Reason: reason,
		Path: path, Message: message, Refused: true,
	})
}

func (r *reading) manifest(ctx context.Context, o origin, kind string, object map[string]any) {
	v := &validator{origin: o, kind: kind, schema: r.loader.kinds[kind]}
	m := v.manifest(ctx, object)
	if m != nil && !r.unique(v, m) {
		m = nil
	}
	r.set.Faults = append(r.set.Faults, v.faults...)
	if m != nil {
		m.Valid = len(v.faults) == 0
		r.set.Manifests = append(r.set.Manifests, m)
	}
}

// unique reports whether the manifest is the first one of its object.
func (r *reading) unique(v *validator, m *Manifest) bool {
	id := identity{m.Kind, m.Object.GetNamespace(), m.Object.GetName()}
	if id.name == "" {
		return true
	}
	if first := r.seen[id]; first != nil {
		v.fault("metadata.name", ReasonDuplicateObject, fmt.Sprintf("the %s %q in the namespace %q stands already in %s: remove one of the two, or rename it",
			shortName(m.Kind), id.name, id.namespace, first.Position("metadata.name")))
		return false
	}
	r.seen[id] = m
	return true
}

// shortName is how kubectl calls the kind, so that nobody takes a Role for one
// of Kubernetes' own.
func shortName(kind string) string {
	switch kind {
	case "Resource":
		return "rcres"
	case "Role":
		return "rcrole"
	case "RoleBinding":
		return "rcbind"
	case "Group":
		return "rcgroup"
	}
	return kind
}
