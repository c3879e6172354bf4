// SPDX-License-Identifier: Apache-2.0

package random

import (
	"k8s.io/apimachinery/pkg/types"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/testkit"
)

// Edit is one change: an object comes or changes, or it goes.
type Edit struct {
	Object testkit.Object
	Gone   bool
}

// Shuffled returns the objects in another order.
func (g *Generator) Shuffled(objects []testkit.Object) []testkit.Object {
	shuffled := make([]testkit.Object, len(objects))
	for to, from := range g.random.Perm(len(objects)) {
		shuffled[to] = objects[from]
	}
	return shuffled
}

// Edits makes a history that ends in exactly the objects, as Stamp has them.
// Before that they have other contents, go and come back, and there are others,
// which claim their ids.
func (g *Generator) Edits(objects []testkit.Object) []Edit {
	var histories [][]Edit
	for _, o := range objects {
		histories = append(histories, append(g.past(o, g.random.IntN(4)), Edit{Object: Stamp(testkit.Copy(o), 1)}))
		if g.Chance(50) {
			rival := g.rival(o)
			past := g.past(rival, 1+g.random.IntN(3))
			histories = append(histories, append(past, Edit{Object: rival, Gone: true}))
		}
	}
	return g.interleave(histories)
}

// past makes n edits of an object's name.
func (g *Generator) past(o testkit.Object, n int) []Edit {
	var edits []Edit
	for range n {
		version := g.version(o)
		g.generation++ // no two versions are alike: a generation says what an object says
		Stamp(version, g.generation)
		edits = append(edits, Edit{Object: version, Gone: g.Chance(25)})
	}
	return edits
}

// version returns an object of the same identity that says something else.
func (g *Generator) version(o testkit.Object) testkit.Object {
	version := testkit.Copy(o)
	switch version := version.(type) {
	case *v1alpha1.Resource:
		if other, ok := g.resource(0).(*v1alpha1.Resource); ok {
			version.Spec.Instances = other.Spec.Instances
			version.Spec.Schema, version.Spec.PropertyValidation = other.Spec.Schema, other.Spec.PropertyValidation
			if g.Chance(60) { // else it declares the same
				version.Spec.Actions, version.Spec.Scoping = other.Spec.Actions, other.Spec.Scoping
			}
		}
	case *v1alpha1.Role:
		if other, ok := g.role(0).(*v1alpha1.Role); ok {
			id := version.Spec.ID
			version.Spec = other.Spec
			version.Spec.ID = id
		}
	case *v1alpha1.RoleBinding:
		if other, ok := g.binding(0).(*v1alpha1.RoleBinding); ok {
			version.Spec = other.Spec
		}
	case *v1alpha1.Group:
		if other, ok := g.group(0).(*v1alpha1.Group); ok {
			version.Spec.Members = other.Spec.Members
		}
	}
	if g.Chance(20) {
		testkit.Deleting(version)
	}
	return version
}

// rival returns an object of another name that claims the same id.
func (g *Generator) rival(o testkit.Object) testkit.Object {
	rival := testkit.Copy(o)
	switch rival := rival.(type) {
	case *v1alpha1.Resource:
		rival.Spec.Type = v1alpha1.ID(rival.TypeID())
	case *v1alpha1.Role:
		rival.Spec.ID = v1alpha1.ID(rival.RoleID())
	case *v1alpha1.Group:
		rival.Spec.ID = v1alpha1.ID(rival.GroupID())
	}
	rival.SetName(g.pick([]string{"a-", "z-"}) + "rival-" + o.GetName())
	return rival
}

// interleave takes from the front of one history after the other, at random.
func (g *Generator) interleave(histories [][]Edit) []Edit {
	var all []Edit
	for len(histories) > 0 {
		i := g.random.IntN(len(histories))
		all = append(all, histories[i][0])
		if histories[i] = histories[i][1:]; len(histories[i]) == 0 {
			histories[i] = histories[len(histories)-1]
			histories = histories[:len(histories)-1]
		}
	}
	return all
}

// Stamp gives an object what an API server would, an identity and a generation,
// and returns it.
func Stamp[T testkit.Object](o T, generation int64) T {
	o.SetUID(types.UID(o.GetNamespace() + "/" + o.GetName()))
	o.SetGeneration(generation)
	return o
}
