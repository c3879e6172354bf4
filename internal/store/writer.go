// SPDX-License-Identifier: Apache-2.0

package store

import (
	"maps"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/diag"
	"github.com/rolecall/rolecall/internal/policy"
)

// event is one thing that a source has said: exactly one of its fields is set,
// beside the time of its arrival.
type event struct {
	arrived time.Time
	put     metav1.Object
	gone    objectKey
	lists   []List
}

type objectKey struct {
	kind            Kind
	namespace, name string
}

// writer is the state of the writing goroutine: every unit in force, and what
// has been touched since the last publication.
type writer struct {
	options  *Options
	awaited  map[Partition]bool
	entries  map[Kind]map[objectKey]*entry
	digest   digest
	faults   map[string]int
	snapshot *policy.Snapshot

	namespaces map[string]*vocabulary
	edit       *policy.Edit
	stale      map[string]bool // namespaces whose vocabulary must be linked anew
	counted    bool            // faults is shared with the last Info
}

// entry is one object in force.
type entry struct {
	digest  digest
	binding *policy.Binding
	faults  diag.List
}

// vocabulary is the units of one namespace that are linked together.
type vocabulary struct {
	resources map[string]*policy.Resource
	roles     map[string]*policy.Role
	faults    map[string]int // of the last linking
}

func newWriter(o *Options) *writer {
	w := &writer{
		options:    o,
		awaited:    make(map[Partition]bool),
		entries:    make(map[Kind]map[objectKey]*entry),
		faults:     make(map[string]int),
		snapshot:   policy.NewSnapshot(o.Namespaces),
		namespaces: make(map[string]*vocabulary),
		stale:      make(map[string]bool),
	}
	for _, p := range Partitions(o.Namespaces) {
		w.awaited[p] = true
	}
	for _, k := range Kinds() {
		w.entries[k] = make(map[objectKey]*entry)
	}
	w.edit = w.snapshot.Edit()
	return w
}

// complete reports whether every partition has been listed once.
func (w *writer) complete() bool { return len(w.awaited) == 0 }

// apply takes one event in and reports whether there is something to publish.
func (w *writer) apply(e *event) bool {
	switch {
	case e.put != nil:
		return w.put(e.put)
	case e.lists != nil:
		return w.replace(e.lists)
	default:
		return w.remove(e.gone)
	}
}

// replace makes the lists the whole of their partitions. The first list of a
// partition is always something to publish, also if it is empty.
func (w *writer) replace(lists []List) bool {
	changed := false
	for i := range lists {
		l := &lists[i]
		if w.awaited[l.Partition] {
			delete(w.awaited, l.Partition)
			changed = true
		}
		present := make(map[objectKey]bool, len(l.Objects))
		for _, obj := range l.Objects {
			present[objectKey{l.Kind, obj.GetNamespace(), obj.GetName()}] = true
			changed = w.put(obj) || changed
		}
		for key := range w.entries[l.Kind] {
			if (l.Namespace == "" || l.Namespace == key.namespace) && !present[key] {
				changed = w.remove(key) || changed
			}
		}
	}
	return changed
}

// put compiles an object into a unit, unless it is the one that is in force.
func (w *writer) put(obj metav1.Object) bool {
	kind := kindOf(obj)
	if kind == "" {
		return false
	}
	key := objectKey{kind, obj.GetNamespace(), obj.GetName()}
	d := digestOf(kind, obj)
	before := w.entries[kind][key]
	if before != nil && before.digest == d {
		return false
	}
	w.forget(before)
	after := &entry{digest: d}
	w.compile(key, obj, before, after)
	w.entries[kind][key] = after
	w.digest.add(d)
	w.count(after.faults, 1)
	return true
}

func kindOf(obj metav1.Object) Kind {
	switch obj.(type) {
	case *v1alpha1.Resource:
		return KindResource
	case *v1alpha1.Role:
		return KindRole
	case *v1alpha1.RoleBinding:
		return KindRoleBinding
	}
	return ""
}

func (w *writer) compile(key objectKey, obj metav1.Object, before, after *entry) {
	c := w.options.Compiler
	switch o := obj.(type) {
	case *v1alpha1.Resource:
		var unit *policy.Resource
		unit, after.faults = c.Resource(o)
		w.vocabulary(key.namespace).resources[key.name] = unit
	case *v1alpha1.Role:
		var unit *policy.Role
		unit, after.faults = c.Role(o)
		w.vocabulary(key.namespace).roles[key.name] = unit
	case *v1alpha1.RoleBinding:
		after.binding, after.faults = c.RoleBinding(o)
		w.edit.ReplaceBinding(key.namespace, before.unit(), after.binding)
	}
}

// unit returns the binding of an entry, if there is one.
func (e *entry) unit() *policy.Binding {
	if e == nil {
		return nil
	}
	return e.binding
}

// vocabulary returns the units of a namespace in order to change them.
func (w *writer) vocabulary(namespace string) *vocabulary {
	w.stale[namespace] = true
	v := w.namespaces[namespace]
	if v == nil {
		v = &vocabulary{
			resources: make(map[string]*policy.Resource),
			roles:     make(map[string]*policy.Role),
		}
		w.namespaces[namespace] = v
	}
	return v
}

// remove takes an object out and reports whether it was there.
func (w *writer) remove(key objectKey) bool {
	e := w.entries[key.kind][key]
	if e == nil {
		return false
	}
	w.forget(e)
	delete(w.entries[key.kind], key)
	switch key.kind {
	case KindResource:
		delete(w.vocabulary(key.namespace).resources, key.name)
	case KindRole:
		delete(w.vocabulary(key.namespace).roles, key.name)
	case KindRoleBinding:
		w.edit.ReplaceBinding(key.namespace, e.binding, nil)
	}
	return true
}

// forget takes an entry out of the sums.
func (w *writer) forget(e *entry) {
	if e != nil {
		w.digest.remove(e.digest)
		w.count(e.faults, -1)
	}
}

func (w *writer) count(faults diag.List, by int) {
	for _, f := range faults {
		w.countReason(f.Reason, by)
	}
}

func (w *writer) countReason(reason string, by int) {
	if w.counted {
		w.faults, w.counted = maps.Clone(w.faults), false
	}
	w.faults[reason] += by
	if w.faults[reason] == 0 {
		delete(w.faults, reason)
	}
}

// publish links what has changed and makes the next snapshot.
func (w *writer) publish(now time.Time) *published {
	for namespace := range w.stale {
		w.link(namespace)
	}
	clear(w.stale)
	w.snapshot = w.edit.Snapshot(w.digest.String())
	w.edit = w.snapshot.Edit()
	w.counted = true
	return &published{snapshot: w.snapshot, info: Info{
		Ready:     true,
		Revision:  w.snapshot.Revision(),
		Published: now,
		Objects:   w.objects(),
		Faults:    w.faults,
	}}
}

func (w *writer) objects() map[Kind]int {
	n := make(map[Kind]int, len(w.entries))
	for kind, entries := range w.entries {
		n[kind] = len(entries)
	}
	return n
}
