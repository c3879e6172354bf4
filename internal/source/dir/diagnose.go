// SPDX-License-Identifier: Apache-2.0

package dir

import (
	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/diag"
)

// Diagnose returns all the faults of a set in the order of the files: its own,
// and what the compiler and the linker find wrong with its objects.
func (s *Set) Diagnose(c *compile.Compiler) Faults {
	objects := make([]compile.Object, len(s.Manifests))
	for i, m := range s.Manifests {
		objects[i] = m.Object
	}
	out := append(Faults{}, s.Faults...)
	for i, list := range c.Diagnose(objects) {
		for _, d := range list {
			if s.Manifests[i].repeats(d) {
				continue
			}
			out = append(out, s.Manifests[i].fault(d))
		}
	}
	return out.sorted()
}

// repeats reports whether the compiler only says what the schema has said.
func (m *Manifest) repeats(d diag.Diagnostic) bool {
	return !m.Valid && d.Reason == v1alpha1.ReasonInvalidSpec
}

func (m *Manifest) fault(d diag.Diagnostic) Fault {
	return Fault{
		Position:  m.origin.inside(d.Path, d.Line, d.Column),
		Severity:  d.Severity,
		Reason:    d.Reason,
		Kind:      m.Kind,
		Namespace: m.Object.GetNamespace(),
		Name:      m.Object.GetName(),
		Path:      d.Path,
		Message:   d.Message,
		Refused:   d.Severity == diag.Error && d.Aspect == diag.Accepted,
	}
}
