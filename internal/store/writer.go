// SPDX-License-Identifier: Apache-2.0

package store

import (
	"iter"
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

// writer is the state of whoever writes: every unit in force, and what
// has been touched since the last publication.
type writer struct {
	options *Options
	awaited map[Partition]bool
	// index holds the bindings; there may be millions, so nothing else of them is
	// kept but the faults of those that have some.
	index *policy.Index
	// declared holds the other objects.
	declared map[Kind]map[objectKey]digest
	found    map[objectKey]diag.List // the compiler's, where there are any
	digest   digest                  // of all objects
	faults   map[string]int
	counted  bool // faults is shared with the last Info
	// objectCounts is shared with the last Info.
	objectCounts map[Kind]int

	namespaces map[string]*vocabulary
	stale      map[string]bool // namespaces whose vocabulary must be linked anew
	groups     map[string]*groups
	regrouped  map[string]*groups // those of which something has changed
}

// vocabulary is the units of one namespace that are linked together.
type vocabulary struct {
	resources map[string]*policy.Resource
	roles     map[string]*policy.Role
	linker    *policy.Linker
	// unresolved are the reasons of the references of a role, by its name, that
	// lead nowhere.
	unresolved map[string][]string
	// conflicts is how many of the units do not own their id.
	conflicts int
	// rerouted says that there are other routes than are in force, and reclaimed that
	// other resources claim their types. contested is how many routes share requests
	// with others.
	rerouted, reclaimed bool
	contested           int
}

func newWriter(o *Options) *writer {
	w := &writer{
		options:    o,
		awaited:    make(map[Partition]bool),
		index:      policy.NewIndex(o.Namespaces),
		declared:   map[Kind]map[objectKey]digest{KindResource: {}, KindRole: {}, KindGroup: {}},
		found:      make(map[objectKey]diag.List),
		faults:     make(map[string]int),
		namespaces: make(map[string]*vocabulary),
		stale:      make(map[string]bool),
		groups:     make(map[string]*groups),
		regrouped:  make(map[string]*groups),
	}
	for _, p := range Partitions(o.Namespaces) {
		w.awaited[p] = true
	}
	return w
}

// complete reports whether every partition has been listed once.
func (w *writer) complete() bool { return len(w.awaited) == 0 }

// apply takes one event in and reports whether there is something to publish.
func (w *writer) apply(e *event) bool {
	switch {
	case e.put != nil:
		return w.put(e.put, w.compileBinding)
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
		known := !w.awaited[l.Partition]
		if !known {
			delete(w.awaited, l.Partition)
			changed = true
		}
		for _, key := range w.missing(l) {
			changed = w.remove(key) || changed
		}
		changed = w.putAll(l.Objects, known) || changed
	}
	return changed
}

// missing returns the objects that are in force and not in the list of their
// partition.
func (w *writer) missing(l *List) []objectKey {
	if w.inForce(l.Kind) == 0 {
		return nil // the first list is the longest
	}
	present := make(map[objectKey]bool, len(l.Objects))
	for _, obj := range l.Objects {
		present[objectKey{l.Kind, obj.GetNamespace(), obj.GetName()}] = true
	}
	var keys []objectKey
	for key := range w.keys(l.Kind) {
		if (l.Namespace == "" || l.Namespace == key.namespace) && !present[key] {
			keys = append(keys, key)
		}
	}
	return keys
}

// inForce returns how many objects of a kind are in force.
func (w *writer) inForce(kind Kind) int {
	if kind == KindRoleBinding {
		return w.index.Bindings()
	}
	return len(w.declared[kind])
}

// keys yields the objects of a kind that are in force.
func (w *writer) keys(kind Kind) iter.Seq[objectKey] {
	if kind != KindRoleBinding {
		return maps.Keys(w.declared[kind])
	}
	return func(yield func(objectKey) bool) {
		for namespace, name := range w.index.Each() {
			if !yield(objectKey{kind, namespace, name}) {
				return
			}
		}
	}
}

// putAll puts the objects of a list. Of one that is not known yet, nearly all are
// new: what they compile to is made ready while others are put.
func (w *writer) putAll(objs []metav1.Object, known bool) bool {
	changed := false
	if known || len(objs) < fewAhead {
		for _, obj := range objs {
			changed = w.put(obj, w.compileBinding) || changed
		}
		return changed
	}
	for obj, binding := range ahead(objs, w.compileBinding) {
		changed = w.put(obj, func(*v1alpha1.RoleBinding) compiled { return binding }) || changed
	}
	return changed
}

// put compiles an object into a unit, unless it is the one that is in force. How a
// RoleBinding is compiled is said by the caller.
func (w *writer) put(obj metav1.Object, binding func(*v1alpha1.RoleBinding) compiled) bool {
	kind := kindOf(obj)
	if kind == "" {
		return false
	}
	key := objectKey{kind, obj.GetNamespace(), obj.GetName()}
	d := digestOf(kind, obj)
	before, known := w.digestOf(key)
	if known && before == d {
		return false
	}
	w.digest += d - before
	w.setFaults(key, w.compile(key, obj, d, binding))
	return true
}

// digestOf returns the digest of an object that is in force; zero if none is.
func (w *writer) digestOf(key objectKey) (digest, bool) {
	if key.kind == KindRoleBinding {
		d, known := w.index.Digest(key.namespace, key.name)
		return digest(d), known
	}
	d, known := w.declared[key.kind][key]
	return d, known
}

func kindOf(obj metav1.Object) Kind {
	switch obj.(type) {
	case *v1alpha1.Resource:
		return KindResource
	case *v1alpha1.Role:
		return KindRole
	case *v1alpha1.RoleBinding:
		return KindRoleBinding
	case *v1alpha1.Group:
		return KindGroup
	}
	return ""
}

// compile puts an object in force and returns what is wrong with it.
func (w *writer) compile(key objectKey, obj metav1.Object, d digest, binding func(*v1alpha1.RoleBinding) compiled) diag.List {
	c := w.options.Compiler
	var faults diag.List
	switch o := obj.(type) {
	case *v1alpha1.Resource:
		var unit *policy.Resource
		unit, faults = c.Resource(o)
		w.vocabulary(key.namespace).setResource(key.name, unit)
	case *v1alpha1.Role:
		var unit *policy.Role
		unit, faults = c.Role(o)
		w.vocabulary(key.namespace).setRole(key.name, unit)
	case *v1alpha1.RoleBinding:
		b := binding(o)
		w.index.Put(key.namespace, b.unit, uint64(d))
		return b.faults
	case *v1alpha1.Group:
		var unit *policy.Group
		unit, faults = c.Group(o)
		w.index.PutGroup(key.namespace, unit)
		w.groupsOf(key.namespace).set(key.name, unit)
	}
	w.declared[key.kind][key] = d
	return faults
}

// vocabulary returns the units of a namespace in order to change them.
func (w *writer) vocabulary(namespace string) *vocabulary {
	w.stale[namespace] = true
	v := w.namespaces[namespace]
	if v == nil {
		v = &vocabulary{
			resources:  make(map[string]*policy.Resource),
			roles:      make(map[string]*policy.Role),
			linker:     policy.NewLinker(),
			unresolved: make(map[string][]string),
		}
		w.namespaces[namespace] = v
	}
	return v
}

// remove takes an object out and reports whether it was there.
func (w *writer) remove(key objectKey) bool {
	d, known := w.digestOf(key)
	if !known {
		return false
	}
	w.digest -= d
	w.setFaults(key, nil)
	switch key.kind {
	case KindRoleBinding:
		w.index.Delete(key.namespace, key.name)
		return true
	case KindGroup:
		w.index.DeleteGroup(key.namespace, key.name)
		w.groupsOf(key.namespace).remove(key.name)
	case KindResource:
		w.vocabulary(key.namespace).setResource(key.name, nil)
	case KindRole:
		v := w.vocabulary(key.namespace)
		v.setRole(key.name, nil)
		w.setUnresolved(v, key.name, nil)
	}
	delete(w.declared[key.kind], key)
	return true
}

// setFaults counts what is wrong with an object, instead of what was.
func (w *writer) setFaults(key objectKey, faults diag.List) {
	before, had := w.found[key]
	w.count(before, -1)
	w.count(faults, 1)
	switch {
	case len(faults) > 0:
		w.found[key] = faults
	case had:
		if delete(w.found, key); len(w.found) == 0 {
			w.found = make(map[objectKey]diag.List) // one that has been large stays so
		}
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
	w.judgeGroups()
	w.counted = true
	snapshot := w.index.Publish(w.digest.String())
	return &published{snapshot: snapshot, info: Info{
		Ready:     true,
		Revision:  snapshot.Revision(),
		Published: now,
		Objects:   w.objects(),
		Faults:    w.faults,
	}}
}

// objects counts what is in force. Few changes change the counts: the map of the
// last publication is used again.
func (w *writer) objects() map[Kind]int {
	for _, kind := range Kinds() {
		if w.objectCounts[kind] != w.inForce(kind) || len(w.objectCounts) == 0 {
			w.objectCounts = w.countObjects()
			break
		}
	}
	return w.objectCounts
}

func (w *writer) countObjects() map[Kind]int {
	n := make(map[Kind]int, len(Kinds()))
	for _, kind := range Kinds() {
		n[kind] = w.inForce(kind)
	}
	return n
}
