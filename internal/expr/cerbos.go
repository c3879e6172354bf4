// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"net/netip"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// cerbosMacros are functions of Cerbos' conditions that are another spelling of
// something that is there already.
func cerbosMacros() []cel.EnvOption {
	macros := []cel.Macro{
		cel.GlobalMacro("now", 0, rewrite(theTime)),
		cel.GlobalMacro("timeSince", 1, rewrite(timeSince)),
		cel.ReceiverMacro("timeSince", 0, rewrite(timeSince)),
	}
	for _, name := range []string{"hasIntersection", "has_intersection"} {
		macros = append(macros, binaryMacros(name, func(h cel.MacroExprFactory, a, b ast.Expr) ast.Expr {
			return h.NewCall("sets.intersects", a, b)
		})...)
	}
	for _, name := range []string{"isSubset", "is_subset"} {
		macros = append(macros, binaryMacros(name, func(h cel.MacroExprFactory, a, b ast.Expr) ast.Expr {
			return h.NewCall("sets.contains", b, a)
		})...)
	}
	return []cel.EnvOption{cel.Macros(append(cel.StandardMacros, macros...)...)}
}

// rewrite makes a macro of a function of the receiver, if there is one, and the
// arguments.
func rewrite(f func(h cel.MacroExprFactory, args []ast.Expr) ast.Expr) cel.MacroFactory {
	return func(h cel.MacroExprFactory, target ast.Expr, args []ast.Expr) (ast.Expr, *common.Error) {
		if target != nil {
			args = append([]ast.Expr{target}, args...)
		}
		return f(h, args), nil
	}
}

func binaryMacros(name string, f func(h cel.MacroExprFactory, a, b ast.Expr) ast.Expr) []cel.Macro {
	expand := rewrite(func(h cel.MacroExprFactory, args []ast.Expr) ast.Expr {
		return f(h, args[0], args[1])
	})
	return []cel.Macro{cel.GlobalMacro(name, 2, expand), cel.ReceiverMacro(name, 1, expand)}
}

// theTime is the variable now, also in a loop whose own variable is called so.
func theTime(h cel.MacroExprFactory, _ []ast.Expr) ast.Expr {
	return h.NewIdent(".now")
}

func timeSince(h cel.MacroExprFactory, args []ast.Expr) ast.Expr {
	return h.NewCall(operators.Subtract, theTime(h, nil), args[0])
}

// cerbosFunctions are functions of Cerbos' conditions that nothing else gives.
func cerbosFunctions() []cel.EnvOption {
	list := cel.ListType(cel.TypeParamType("T"))
	pair := []*cel.Type{list, list}
	return []cel.EnvOption{
		cel.Function("intersect",
			cel.Overload("intersect_list_list", pair, list, cel.BinaryBinding(intersect)),
			cel.MemberOverload("list_intersect_list", pair, list, cel.BinaryBinding(intersect))),
		cel.Function("except",
			cel.Overload("except_list_list", pair, list, cel.BinaryBinding(except)),
			cel.MemberOverload("list_except_list", pair, list, cel.BinaryBinding(except))),
		cel.Function("inIPAddrRange",
			cel.MemberOverload("string_in_ip_addr_range_string", []*cel.Type{cel.StringType, cel.StringType},
				cel.BoolType, cel.BinaryBinding(inIPAddrRange))),
	}
}

// intersect returns the elements of a list that are in another, in their order.
func intersect(a, b ref.Val) ref.Val {
	return pick(a, b, types.True)
}

// except returns the elements of a list that are not in another, in their order.
func except(a, b ref.Val) ref.Val {
	return pick(a, b, types.False)
}

func pick(a, b ref.Val, contained ref.Val) ref.Val {
	other := b.(traits.Lister)
	var out []ref.Val
	for it := a.(traits.Lister).Iterator(); it.HasNext() == types.True; {
		if v := it.Next(); other.Contains(v) == contained {
			out = append(out, v)
		}
	}
	return types.NewRefValList(types.DefaultTypeAdapter, out)
}

// inIPAddrRange reports whether an address is in a range in CIDR notation.
func inIPAddrRange(address, cidr ref.Val) ref.Val {
	a, err := netip.ParseAddr(string(address.(types.String)))
	if err != nil {
		return types.WrapErr(err)
	}
	r, err := netip.ParsePrefix(string(cidr.(types.String)))
	if err != nil {
		return types.WrapErr(err)
	}
	return types.Bool(r.Contains(a.Unmap()))
}
