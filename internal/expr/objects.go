// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"

	"github.com/rolecall/rolecall/internal/authz"
)

// The views are what the variables of a condition hold: a request seen as one of
// the types below. A view is one pointer, so putting it into an interface
// allocates nothing.
type (
	subjectView   struct{ *authz.Subject }
	resourceView  struct{ *authz.Resource }
	actionView    struct{ *authz.Action }
	principalView struct{ *authz.Subject }
	kindView      struct{ *authz.Resource }
	requestView   struct{ *authz.Request }
	auxDataView   struct{ *authz.Request }
)

// field is a field of an object that conditions see.
type field struct {
	name string
	typ  *cel.Type
	// get returns the field of a view as a CEL value, or as a Go value that the
	// adapter takes without a copy.
	get func(view any) any
	// set reports whether has() is true.
	set func(view any) bool
}

// objectType is a type with a closed set of fields.
type objectType struct {
	typ    *cel.Type
	fields []field
}

func (t *objectType) field(name string) (*field, bool) {
	for i := range t.fields {
		if t.fields[i].name == name {
			return &t.fields[i], true
		}
	}
	return nil, false
}

func (t *objectType) fieldNames() []string {
	names := make([]string, len(t.fields))
	for i := range t.fields {
		names[i] = t.fields[i].name
	}
	return names
}

var (
	subjectType   = cel.ObjectType("rolecall.Subject")
	resourceType  = cel.ObjectType("rolecall.Resource")
	actionType    = cel.ObjectType("rolecall.Action")
	requestType   = cel.ObjectType("rolecall.Request")
	principalType = cel.ObjectType("rolecall.Principal")
	kindType      = cel.ObjectType("rolecall.RequestResource")
	auxDataType   = cel.ObjectType("rolecall.AuxData")
	attributes    = cel.MapType(cel.StringType, cel.DynType)
)

// objectTypes are the types of the variables, by name.
func objectTypes() map[string]*objectType {
	byName := map[string]*objectType{}
	for _, t := range []*objectType{
		{subjectType, subjectFields()},
		{resourceType, resourceFields()},
		{actionType, actionFields()},
		{requestType, requestFields()},
		{principalType, principalFields()},
		{kindType, kindFields()},
		{auxDataType, auxDataFields()},
	} {
		byName[t.typ.TypeName()] = t
	}
	return byName
}

func subjectFields() []field {
	return []field{
		text("type", func(v subjectView) string { return v.Type }),
		text("id", func(v subjectView) string { return v.ID }),
		text("email", func(v subjectView) string { return v.Email }),
		flag("email_verified", func(v subjectView) bool { return v.EmailVerified }),
		texts("groups", func(v subjectView) []string { return v.Groups }),
		texts("roles", func(v subjectView) []string { return v.Roles }),
		mapping("properties", func(v subjectView) map[string]any { return v.Properties }),
	}
}

func resourceFields() []field {
	return []field{
		text("type", func(v resourceView) string { return v.Type }),
		text("id", func(v resourceView) string { return v.ID }),
		mapping("properties", func(v resourceView) map[string]any { return v.Properties }),
	}
}

func actionFields() []field {
	return []field{
		text("name", func(v actionView) string { return v.Name }),
		mapping("properties", func(v actionView) map[string]any { return v.Properties }),
	}
}

// requestFields and the three after it are the words of Cerbos' policies.
func requestFields() []field {
	return []field{
		object("principal", principalType, func(v requestView) any { return principalView{&v.Subject} }),
		object("resource", kindType, func(v requestView) any { return kindView{&v.Resource} }),
		object("auxData", auxDataType, func(v requestView) any { return auxDataView(v) }),
		object("aux_data", auxDataType, func(v requestView) any { return auxDataView(v) }),
	}
}

func principalFields() []field {
	return []field{
		text("id", func(v principalView) string { return v.ID }),
		texts("roles", func(v principalView) []string { return v.Roles }),
		mapping("attr", func(v principalView) map[string]any { return v.Properties }),
	}
}

func kindFields() []field {
	return []field{
		text("kind", func(v kindView) string { return v.Type }),
		text("id", func(v kindView) string { return v.ID }),
		mapping("attr", func(v kindView) map[string]any { return v.Properties }),
	}
}

func auxDataFields() []field {
	return []field{
		mapping("jwt", func(v auxDataView) map[string]any { return v.Claims }),
	}
}

func text[V any](name string, read func(V) string) field {
	return field{
		name: name, typ: cel.StringType,
		get: func(view any) any { return types.String(read(view.(V))) },
		set: func(view any) bool { return read(view.(V)) != "" },
	}
}

func flag[V any](name string, read func(V) bool) field {
	return field{
		name: name, typ: cel.BoolType,
		get: func(view any) any { return types.Bool(read(view.(V))) },
		set: func(view any) bool { return read(view.(V)) },
	}
}

func texts[V any](name string, read func(V) []string) field {
	return field{
		name: name, typ: cel.ListType(cel.StringType),
		get: func(view any) any { return read(view.(V)) },
		set: func(view any) bool { return len(read(view.(V))) > 0 },
	}
}

func mapping[V any](name string, read func(V) map[string]any) field {
	return field{
		name: name, typ: attributes,
		get: func(view any) any { return read(view.(V)) },
		set: func(view any) bool { return len(read(view.(V))) > 0 },
	}
}

func object[V any](name string, typ *cel.Type, read func(V) any) field {
	return field{
		name: name, typ: typ,
		get: func(view any) any { return read(view.(V)) },
		set: func(any) bool { return true },
	}
}
