// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/store"
)

// feed is what a reflector takes for its store: it hands everything on and keeps
// nothing.
type feed struct {
	partition store.Partition
	sink      Sink
	line      line
	pulse     *pulse
	course    course
}

var _ cache.ReflectorBookmarkStore = (*feed)(nil)

// Add hands on an object that is new.
func (f *feed) Add(obj any) error {
	return f.Update(obj)
}

// Update hands on an object that has changed.
func (f *feed) Update(obj any) error {
	if _, err := strip(obj); err != nil {
		return err
	}
	o, err := accessor(obj)
	if err != nil || !f.goesOn(o.GetResourceVersion()) {
		return err
	}
	f.sink.Put(o)
	return nil
}

// Delete says that an object is gone.
func (f *feed) Delete(obj any) error {
	o, err := accessor(obj)
	if err != nil || !f.goesOn(o.GetResourceVersion()) {
		return err
	}
	f.sink.Delete(f.partition.Kind, o.GetNamespace(), o.GetName())
	return nil
}

// goesOn reports whether what a watch says, of a version, is news, and ends the
// watch if it is not: what is true then, a list says.
func (f *feed) goesOn(version string) bool {
	if !f.course.follows(version) {
		f.line.behind(f.course.newest, version)
		f.pulse.stop()
		return false
	}
	f.pulse.beat()
	f.line.heard()
	return true
}

// Replace hands on a full list, whose objects have been stripped page by page. It
// returns an error if the list is not believed, and the library lists again soon.
func (f *feed) Replace(objs []any, version string) error {
	if newest := f.course.newest; !f.course.believes(version, f.line.contact.now()) {
		f.line.behind(newest, version)
		return fmt.Errorf("the list is of version %s, and version %s was seen before", version, newest)
	}
	list := store.List{Partition: f.partition, Objects: make([]metav1.Object, 0, len(objs))}
	for _, obj := range objs {
		o, err := accessor(obj)
		if err != nil {
			return err
		}
		list.Objects = append(list.Objects, o)
	}
	f.line.heard()
	f.sink.Replace(list)
	return nil
}

// Resync has nothing to do: nothing is kept that could be said again.
func (f *feed) Resync() error { return nil }

// Bookmark is the server's sign of life on a watch where nothing changes.
func (f *feed) Bookmark(version string) error {
	f.goesOn(version)
	return nil
}

func accessor(obj any) (metav1.Object, error) {
	o, ok := obj.(metav1.Object)
	if !ok {
		return nil, fmt.Errorf("a watch of %s delivered %T, which is no object", v1alpha1.GroupName, obj)
	}
	return o, nil
}

// strip takes off what no policy is made of. The object is changed: it has just
// been decoded and has no other owner.
func strip(obj any) (any, error) {
	o, err := accessor(obj)
	if err != nil {
		return nil, err
	}
	o.SetManagedFields(nil)
	o.SetAnnotations(nil)
	o.SetLabels(nil)
	o.SetOwnerReferences(nil)
	o.SetFinalizers(nil)
	switch o := o.(type) {
	case *v1alpha1.Resource:
		o.Status = v1alpha1.ResourceStatus{}
	case *v1alpha1.Role:
		o.Status = v1alpha1.RoleStatus{}
	case *v1alpha1.RoleBinding:
		o.Status = v1alpha1.RoleBindingStatus{}
	case *v1alpha1.Group:
		o.Status = v1alpha1.GroupStatus{}
	}
	return obj, nil
}
