// SPDX-License-Identifier: Apache-2.0

package random

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/testkit"
)

// Life is a policy that never comes to rest: it grows to some hundred objects,
// withers until nothing is left, and grows again. Names come back as other
// objects. Like its generator it is not safe for concurrent use.
type Life struct {
	crowd   crowd
	objects []testkit.Object
	// births counts the objects that have had a name, and versions all versions.
	births   map[string]int
	versions int64
	edits    int
}

// NewLife returns a policy without objects.
func NewLife(g *Generator) *Life {
	return &Life{crowd: g.crowd(), births: make(map[string]int)}
}

// Objects returns what there is now. The objects never change any more.
func (l *Life) Objects() []testkit.Object { return slices.Clone(l.objects) }

// season is how many edits there are from nothing to the most and back.
const season = 1600

// size returns how many objects there should be: from a little less than none
// up to 220, and down again.
func (l *Life) size() int {
	at := l.edits % season
	return min(at, season-at)*230/(season/2) - 10
}

// Edit makes a change and returns it. Some change nothing: the same object
// comes again, or one goes that is not there.
func (l *Life) Edit() Edit {
	l.edits++
	switch n := l.crowd.random.IntN(100); {
	case n < 2:
		return Edit{Object: testkit.Binding("never").Obj(), Gone: true}
	case n < 60 && len(l.objects) < l.size(), len(l.objects) == 0 && l.size() > 0:
		return l.put(l.birth())
	case n < 60 && len(l.objects) > 0 && len(l.objects) > l.size():
		return l.death()
	case len(l.objects) == 0:
		return Edit{Object: testkit.Resource("never").Obj(), Gone: true}
	}
	return l.change(l.some())
}

// some picks an object; what is declared comes more often than its number says.
func (l *Life) some() testkit.Object {
	order := l.crowd.random.Perm(len(l.objects))
	if l.crowd.Chance(30) {
		for _, i := range order {
			if _, bound := l.objects[i].(*v1alpha1.RoleBinding); !bound {
				return l.objects[i]
			}
		}
	}
	return l.objects[order[0]]
}

// birth makes an object; another one may have its name.
func (l *Life) birth() testkit.Object {
	switch c := l.crowd; c.random.IntN(20) {
	case 0:
		return c.resource(c.random.IntN(8))
	case 1, 2:
		return c.role(c.random.IntN(16))
	case 3, 4:
		return c.group(c.random.IntN(12))
	default:
		return c.binding(c.random.IntN(200))
	}
}

func (l *Life) death() Edit {
	i := l.crowd.random.IntN(len(l.objects))
	o := l.objects[i]
	l.objects = slices.Delete(slices.Clone(l.objects), i, i+1)
	return Edit{Object: o, Gone: true}
}

func (l *Life) change(o testkit.Object) Edit {
	if l.crowd.Chance(10) {
		return Edit{Object: o}
	}
	if b, ok := o.(*v1alpha1.RoleBinding); ok && l.crowd.Chance(60) {
		b = testkit.Copy(b)
		l.edit(b)
		return l.put(b)
	}
	if group, ok := o.(*v1alpha1.Group); ok && len(group.Spec.Members) > 0 && l.crowd.Chance(60) {
		group = testkit.Copy(group)
		l.editList(&group.Spec.Members)
		return l.put(group)
	}
	return l.put(l.crowd.version(o))
}

// edit changes a binding a little: mostly its subjects.
func (l *Life) edit(b *v1alpha1.RoleBinding) {
	g := l.crowd.Generator
	switch g.random.IntN(10) {
	case 0:
		b.Spec.Scope = g.pick(g.universe.heldScopes)
		return
	case 1:
		b.Spec.Roles = testkit.Binding("other", g.some(g.universe.roles, 3)...).Obj().Spec.Roles
		return
	case 2:
		b.Spec.Condition = ""
		if g.Chance(50) {
			b.Spec.Condition = v1alpha1.Expression(g.pick(g.universe.conditions))
		}
		return
	}
	l.editList(&b.Spec.Subjects)
}

// editList adds, removes, replaces or swaps a subject.
func (l *Life) editList(subjects *[]v1alpha1.Subject) {
	g := l.crowd.Generator
	one := g.subject()
	i := g.random.IntN(len(*subjects))
	switch n := g.random.IntN(4); {
	case n == 0 && len(*subjects) > 1:
		*subjects = slices.Delete(*subjects, i, i+1)
	case n == 1:
		(*subjects)[i] = one
	case n == 2:
		j := g.random.IntN(len(*subjects))
		(*subjects)[i], (*subjects)[j] = (*subjects)[j], (*subjects)[i]
	default:
		*subjects = slices.Insert(*subjects, i, one)
	}
	*subjects = unique(*subjects)
}

// put takes an object in, in place of the one that has its name.
func (l *Life) put(o testkit.Object) Edit {
	l.versions++
	o.SetGeneration(l.versions)
	name := testkit.Name(o)
	l.objects = slices.Clone(l.objects)
	i := slices.IndexFunc(l.objects, func(other testkit.Object) bool { return testkit.Name(other) == name })
	if i < 0 {
		l.births[name]++
		o.SetUID(types.UID(fmt.Sprintf("%s/%d", name, l.births[name])))
		l.objects = append(l.objects, o)
		return Edit{Object: o}
	}
	o.SetUID(l.objects[i].GetUID())
	o.SetCreationTimestamp(l.objects[i].GetCreationTimestamp())
	l.objects[i] = o
	return Edit{Object: o}
}
