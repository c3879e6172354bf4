// SPDX-License-Identifier: Apache-2.0

package dir

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall/rolecall/internal/diag"
)

// The reasons of faults that only files can have. All others are constants of
// the API package; what a schema refuses is InvalidSpec.
const (
	// ReasonUnreadable: the text is not YAML or JSON, or not an object.
	ReasonUnreadable = "Unreadable"
	// ReasonUnknownKind: the document is of a kind or version that there is not.
	ReasonUnknownKind = "UnknownKind"
	// ReasonUnknownField: the schema has no such field.
	ReasonUnknownField = "UnknownField"
	// ReasonDuplicateField: a field stands twice in one object.
	ReasonDuplicateField = "DuplicateField"
	// ReasonNullField: a field is there without a value.
	ReasonNullField = "NullField"
	// ReasonDuplicateObject: two documents are of one kind, namespace and name.
	ReasonDuplicateObject = "DuplicateObject"
)

// Position is a place in a file. Line and Column count from 1, Column in
// characters; both are 0 if the file as a whole is meant.
type Position struct {
	File         string
	Line, Column int
}

// String returns the position as editors understand it: file:line:column.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Fault is one thing that is wrong with the manifests.
type Fault struct {
	Position
	Severity diag.Severity
	// Reason is a constant of this package or of the API package.
	Reason string
	// Kind, Namespace and Name are the object's, as far as they can be read.
	Kind, Namespace, Name string
	// Path is the field; empty if the document as a whole is meant.
	Path string
	// Message is one sentence; it does not repeat Path.
	Message string
	// Refused says that a folder with this fault is not taken into force.
	Refused bool
}

// String returns the fault in one line.
func (f Fault) String() string {
	path := f.Path
	if path != "" {
		path += ": "
	}
	return fmt.Sprintf("%s: %s: %s%s (%s)", f.Position, f.Severity, path, f.Message, f.Reason)
}

// Faults is what is wrong with a set of manifests. As an error it is why they
// are not taken into force.
type Faults []Fault //nolint:errname // a list first, an error where it is the reason for one

// Error returns the faults, one in a line.
func (l Faults) Error() string {
	lines := make([]string, len(l))
	for i, f := range l {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// Refused returns those for which a folder is not taken into force.
func (l Faults) Refused() Faults {
	var out Faults
	for _, f := range l {
		if f.Refused {
			out = append(out, f)
		}
	}
	return out
}

// sorted returns the faults in the order of the files, without repetitions.
func (l Faults) sorted() Faults {
	out := slices.Clone(l)
	slices.SortStableFunc(out, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.Compact(out)
}
