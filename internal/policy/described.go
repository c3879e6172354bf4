// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"

	"github.com/rolecall/rolecall/internal/persist"
)

// What a Resource says beside what it declares (see declaration) stands in a tier
// of its own, by the type: no pair and no row knows of it, so a change of it links
// nothing.

// describes reports whether the resource says more than what it declares.
func (r *Resource) describes() bool { return r.Instances != nil }

// declaresAs reports whether two units of one object declare the same.
func (r *Resource) declaresAs(other *Resource) bool {
	return r.Meta == other.Meta && r.Type == other.Type && r.ScopeRequired == other.ScopeRequired &&
		slices.Equal(r.Actions, other.Actions)
}

// redescribe puts after in the place of before, which declares the same.
func (l *Linker) redescribe(before, after *Resource) {
	claimants := slices.Clone(l.resources[before.Type])
	claimants[slices.Index(claimants, before)] = after
	l.resources[before.Type] = claimants
	l.touchDescription(before.Type)
}

func (l *Linker) touchDescription(typ string) {
	if l.redescribed == nil {
		l.redescribed = make(map[string]bool)
	}
	l.redescribed[typ] = true
}

// describe returns what is said of the types: as it is linked, but for those of
// which something else may be said now.
func (l *Linker) describe() described {
	d := l.linked.described
	if d.types == nil {
		d.types = noDescriptions
	}
	edit := d.types.Edit()
	for typ := range l.redescribed {
		_, was := d.types.Get(typ)
		claimants := l.resources[typ]
		switch is := len(claimants) > 0 && claimants[0].describes(); {
		case is:
			edit.Set(typ, claimants[0])
		case was:
			edit.Remove(typ)
		}
		if _, is := edit.Get(typ); is && !was {
			d.count++
		} else if was && !is {
			d.count--
		}
	}
	l.redescribed = nil
	if d.types = edit.Done(); d.count == 0 {
		d.types = nil
	}
	return d
}

var noDescriptions = persist.NewMap[string, *Resource](persist.Hash)

// described is what is said of types beside what is declared: the owner of each of
// which there is something to say. There is no map if there is none.
type described struct {
	types *persist.Map[string, *Resource]
	count int
}

// of returns the unit that describes a type, or nil.
func (d *described) of(typ string) *Resource {
	if d.types == nil {
		return nil
	}
	r, _ := d.types.Get(typ)
	return r
}

// instances returns what is known of the instances of a type.
func (d *described) instances(typ string) *Instances {
	if r := d.of(typ); r != nil {
		return r.Instances
	}
	return nil
}

// Instances returns the known instances of a type.
func (v *Vocabulary) Instances(resourceType string) *Instances {
	return v.described.instances(resourceType)
}
