// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"testing"

	"github.com/rolecall/rolecall/api/v1alpha1"
)

// BenchmarkRoleBinding is what a start costs for each binding.
func BenchmarkRoleBinding(b *testing.B) {
	for name, condition := range map[string]string{"plain": "", "gated": "has(context.mfa) && context.mfa"} {
		b.Run(name, func(b *testing.B) {
			c := newCompiler(b)
			o := object(b, `{kind: RoleBinding, metadata: {name: b}, spec: {roles: [editor], subjects: [{type: user, id: u}], scope: "org:acme"}}`)
			binding := o.(*v1alpha1.RoleBinding)
			binding.Spec.Condition = v1alpha1.Expression(condition)
			b.ReportAllocs()
			for b.Loop() {
				if _, faults := c.RoleBinding(binding); len(faults) > 0 {
					b.Fatal(faults)
				}
			}
		})
	}
}
