// SPDX-License-Identifier: Apache-2.0

package random

import (
	"slices"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/testkit"
)

// Shrink takes away objects, and what is in them, as long as fails says that
// what is left still shows the fault, which objects do.
func Shrink(objects []testkit.Object, fails func([]testkit.Object) bool) []testkit.Object {
	for smaller := true; smaller; {
		smaller = false
		for _, candidate := range smallerThan(objects) {
			if fails(candidate) {
				objects, smaller = candidate, true
				break
			}
		}
	}
	return objects
}

// smallerThan returns the sets that lack one thing.
func smallerThan(objects []testkit.Object) [][]testkit.Object {
	var all [][]testkit.Object
	for i := range objects {
		all = append(all, slices.Delete(slices.Clone(objects), i, i+1))
	}
	for i, o := range objects {
		for _, change := range changes(o) {
			smaller := slices.Clone(objects)
			smaller[i] = change
			all = append(all, smaller)
		}
	}
	return all
}

// changes returns copies of an object that each lack one thing.
func changes(o testkit.Object) []testkit.Object {
	var all []testkit.Object
	switch o := o.(type) {
	case *v1alpha1.Resource:
		for i := range o.Spec.Instances {
			c := testkit.Copy(o)
			c.Spec.Instances = slices.Delete(c.Spec.Instances, i, i+1)
			all = append(all, c)
		}
	case *v1alpha1.Role:
		for i := range o.Spec.Permissions {
			c := testkit.Copy(o)
			c.Spec.Permissions = slices.Delete(c.Spec.Permissions, i, i+1)
			all = append(all, c)
		}
		for i := range o.Spec.Inherits {
			c := testkit.Copy(o)
			c.Spec.Inherits = slices.Delete(c.Spec.Inherits, i, i+1)
			all = append(all, c)
		}
	case *v1alpha1.RoleBinding:
		for i := range o.Spec.Roles {
			c := testkit.Copy(o)
			c.Spec.Roles = slices.Delete(c.Spec.Roles, i, i+1)
			all = append(all, c)
		}
		for i := range o.Spec.Subjects {
			c := testkit.Copy(o)
			c.Spec.Subjects = slices.Delete(c.Spec.Subjects, i, i+1)
			all = append(all, c)
		}
	case *v1alpha1.Group:
		for i := range o.Spec.Members {
			c := testkit.Copy(o)
			c.Spec.Members = slices.Delete(c.Spec.Members, i, i+1)
			all = append(all, c)
		}
	}
	return all
}
