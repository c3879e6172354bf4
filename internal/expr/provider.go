// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"reflect"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
)

// provider tells cel-go about the object types and turns their views into CEL
// values; everything else it leaves to the provider and the adapter below it.
type provider struct {
	types.Provider
	types.Adapter
	objects map[string]*objectType
}

// FindIdent implements types.Provider.
func (p *provider) FindIdent(name string) (ref.Val, bool) {
	if t, ok := p.objects[name]; ok {
		return t.typ, true
	}
	return p.Provider.FindIdent(name)
}

// FindStructType implements types.Provider.
func (p *provider) FindStructType(name string) (*types.Type, bool) {
	if t, ok := p.objects[name]; ok {
		return types.NewTypeTypeWithParam(t.typ), true
	}
	return p.Provider.FindStructType(name)
}

// FindStructFieldNames implements types.Provider.
func (p *provider) FindStructFieldNames(name string) ([]string, bool) {
	if t, ok := p.objects[name]; ok {
		return t.fieldNames(), true
	}
	return p.Provider.FindStructFieldNames(name)
}

// FindStructFieldType implements types.Provider.
func (p *provider) FindStructFieldType(name, fieldName string) (*types.FieldType, bool) {
	t, ok := p.objects[name]
	if !ok {
		return p.Provider.FindStructFieldType(name, fieldName)
	}
	f, ok := t.field(fieldName)
	if !ok {
		return nil, false
	}
	return &types.FieldType{
		Type:    f.typ,
		IsSet:   f.set,
		GetFrom: func(view any) (any, error) { return f.get(view), nil },
	}, true
}

// NativeToValue implements types.Adapter.
func (p *provider) NativeToValue(value any) ref.Val {
	var t *cel.Type
	switch v := value.(type) {
	case ref.Val:
		return v
	case string:
		return types.String(v)
	case subjectView:
		t = subjectType
	case resourceView:
		t = resourceType
	case actionView:
		t = actionType
	case requestView:
		t = requestType
	case principalView:
		t = principalType
	case kindView:
		t = kindType
	case auxDataView:
		t = auxDataType
	default:
		return p.Adapter.NativeToValue(value)
	}
	return &objectValue{provider: p, typ: p.objects[t.TypeName()], view: value}
}

// objectValue is an object as a CEL value. The fields of a variable are read
// from its view without one; it is made where the object itself is meant, as in
// `subject == subject`.
type objectValue struct {
	provider *provider
	typ      *objectType
	view     any
}

// ConvertToNative implements ref.Val; an object has no other Go type.
func (o *objectValue) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("%s cannot be converted to %v", o.typ.typ.TypeName(), t)
}

// ConvertToType implements ref.Val.
func (o *objectValue) ConvertToType(t ref.Type) ref.Val {
	switch t.TypeName() {
	case types.TypeType.TypeName():
		return o.typ.typ
	case o.typ.typ.TypeName():
		return o
	}
	return types.NewErr("%s cannot be converted to %s", o.typ.typ.TypeName(), t.TypeName())
}

// Equal implements ref.Val: objects of one type are equal if all fields are.
func (o *objectValue) Equal(other ref.Val) ref.Val {
	that, ok := other.(*objectValue)
	if !ok || that.typ != o.typ {
		return types.False
	}
	for i := range o.typ.fields {
		if types.Equal(o.value(i), that.value(i)) != types.True {
			return types.False
		}
	}
	return types.True
}

// value returns a field as a CEL value.
func (o *objectValue) value(i int) ref.Val {
	return o.provider.NativeToValue(o.typ.fields[i].get(o.view))
}

// Type implements ref.Val.
func (o *objectValue) Type() ref.Type {
	return o.typ.typ
}

// Value implements ref.Val; it is what the getters of the fields take.
func (o *objectValue) Value() any {
	return o.view
}

// Get implements traits.Indexer, for objects whose type is known at run time
// only, as in `dyn(subject).id`.
func (o *objectValue) Get(index ref.Val) ref.Val {
	f, errVal := o.find(index)
	if errVal != nil {
		return errVal
	}
	return o.provider.NativeToValue(f.get(o.view))
}

// IsSet implements traits.FieldTester.
func (o *objectValue) IsSet(index ref.Val) ref.Val {
	f, errVal := o.find(index)
	if errVal != nil {
		return errVal
	}
	return types.Bool(f.set(o.view))
}

func (o *objectValue) find(index ref.Val) (*field, ref.Val) {
	name, ok := index.(types.String)
	if !ok {
		return nil, types.MaybeNoSuchOverloadErr(index)
	}
	f, ok := o.typ.field(string(name))
	if !ok {
		return nil, types.NewErr("no such field: %s", string(name))
	}
	return f, nil
}
