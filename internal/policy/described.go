// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"reflect"
	"slices"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/expr"
)

// What a Resource says beside what it declares (see declaration) stands in a tier
// of its own, by the type: no pair and no row knows of it, so a change of it links
// nothing.

// Schema judges the properties of a type's resources. It is immutable and safe for
// concurrent use.
type Schema interface {
	// Misfits returns what does not fit in all properties of a resource, sorted by
	// path.
	Misfits(properties map[string]any) []authz.Misfit
	// Fitter checks conditions against the types of properties.
	Fitter() *expr.Fitter
}

// Validation is what becomes of a request that does not fit the schema.
type Validation uint8

// The validations.
const (
	// IgnoreMisfits looks at no request.
	IgnoreMisfits Validation = iota
	// WarnOfMisfits decides, and says what does not fit.
	WarnOfMisfits
	// RefuseMisfits makes the request an error.
	RefuseMisfits
)

// describes reports whether the resource says more than what it declares.
func (r *Resource) describes() bool { return r.Instances != nil || r.Schema != nil }

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

// describer returns the unit that describes a type now, or nil.
func (l *Linker) describer(typ string) *Resource {
	if claimants := l.resources[typ]; len(claimants) > 0 && claimants[0].describes() {
		return claimants[0]
	}
	return nil
}

// describe takes in what is said of the types of which something else may be said
// now. The types are those that are declared.
func (k *linking) describe() {
	if len(k.redescribed) == 0 {
		return
	}
	k.v.declared = slices.Clone(k.v.declared)
	for typ := range k.redescribed {
		if number, declared := k.v.types.find(typ); declared {
			k.v.declared[number].described = k.describer(typ)
		}
	}
	k.v.described = slices.ContainsFunc(k.v.declared, func(t resourceType) bool { return t.described != nil })
	k.v.judges = slices.ContainsFunc(k.v.declared, func(t resourceType) bool { return t.described.judges() })
}

// reshaped returns the roles that name a type whose properties have other types
// than before.
func (k *linking) reshaped() row {
	var roles row
	for typ := range k.redescribed {
		if reflect.DeepEqual(k.linked.describedBy(typ).shape(), k.describer(typ).shape()) {
			continue
		}
		for m := range k.mentions.meaning(typ) {
			for _, number := range m.roles {
				roles.add(number)
			}
		}
	}
	return roles
}

// shape returns what the resource, which may be nil, says of the types of
// properties; nil is nothing.
func (r *Resource) shape() *expr.Shape {
	if r == nil || r.Schema == nil {
		return nil
	}
	return r.Schema.Fitter().Shape()
}

// describedBy returns the unit that describes a type, or nil.
func (v *Vocabulary) describedBy(typ string) *Resource {
	if !v.described {
		return nil
	}
	number, declared := v.types.find(typ)
	if !declared {
		return nil
	}
	return v.declared[number].described
}

// Instances returns the known instances of a type.
func (v *Vocabulary) Instances(resourceType string) *Instances {
	if r := v.describedBy(resourceType); r != nil {
		return r.Instances
	}
	return nil
}

// Fitter returns what checks conditions against the schema of a type, or nil if it
// has none.
func (v *Vocabulary) Fitter(resourceType string) *expr.Fitter {
	if r := v.describedBy(resourceType); r != nil && r.Schema != nil {
		return r.Schema.Fitter()
	}
	return nil
}
