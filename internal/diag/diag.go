// SPDX-License-Identifier: Apache-2.0

// Package diag is what is wrong with an object, as data: the compiler and the
// linker make diagnostics, and conditions, `rolecall lint` and metrics render
// them. It knows the standard library only.
package diag

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity says how bad a fault is.
type Severity uint8

// The severities.
const (
	// Warning is worth a look; the object is in force as it stands.
	Warning Severity = iota
	// Error makes a condition of the object False.
	Error
)

// String returns "warning" or "error".
func (s Severity) String() string {
	if s == Error {
		return "error"
	}
	return "warning"
}

// Aspect is the question that a fault answers with no.
type Aspect uint8

// The aspects. Their order is the order in which faults are reported.
const (
	// Accepted: does the object compile, and does it own its id?
	Accepted Aspect = iota
	// References: does what the object names exist, and fit?
	References
)

// Diagnostic is one fault of one object.
type Diagnostic struct {
	Severity Severity
	Aspect   Aspect
	// Reason is a constant of the API package, such as RoleNotFound.
	Reason string
	// Path is the field, such as spec.permissions[0].condition.
	Path string
	// Line and Column, counted from 1, point into the text of the field (a CEL
	// expression); 0 if the whole field is meant. Column counts characters.
	Line, Column int
	// Message is one sentence that says the value, what is wrong and what to
	// do. It does not repeat Path.
	Message string
}

// String returns the diagnostic in one line: the path, the position if there is
// one, and the message.
func (d Diagnostic) String() string {
	if d.Line > 0 {
		return fmt.Sprintf("%s (line %d, column %d): %s", d.Path, d.Line, d.Column, d.Message)
	}
	return d.Path + ": " + d.Message
}

// List is the faults of one object.
type List []Diagnostic

// Sorted returns the faults without repetitions: errors before warnings, then
// by aspect, and in each in the order in which they were found.
func (l List) Sorted() List {
	out := slices.Clone(l)
	slices.SortStableFunc(out, func(a, b Diagnostic) int {
		return cmp.Or(-cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.Aspect, b.Aspect))
	})
	return slices.Compact(out)
}

// Errors returns those of the faults that are errors of one aspect.
func (l List) Errors(a Aspect) List {
	return l.filter(func(d Diagnostic) bool { return d.Severity == Error && d.Aspect == a })
}

// Warnings returns those of the faults that are warnings.
func (l List) Warnings() List {
	return l.filter(func(d Diagnostic) bool { return d.Severity == Warning })
}

func (l List) filter(keep func(Diagnostic) bool) List {
	var out List
	for _, d := range l {
		if keep(d) {
			out = append(out, d)
		}
	}
	return out
}

// Message renders the faults as one text of at most limit bytes: a sentence a
// fault, first fault first, and how many more there are. The first fault is
// always there, cut if it must be.
func (l List) Message(limit int) string {
	var b strings.Builder
	for i, d := range l {
		s := d.String()
		if i == 0 {
			b.WriteString(truncate(s, limit-len(more(len(l)-1))))
			continue
		}
		if b.Len()+len("; ")+len(s)+len(more(len(l)-i-1)) > limit {
			b.WriteString(more(len(l) - i))
			break
		}
		b.WriteString("; " + s)
	}
	return b.String()
}

func more(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("; and %d more", n)
}

// truncate cuts s to at most limit bytes at the border of a character.
func truncate(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	const dots = "..."
	cut := max(limit-len(dots), 0)
	for cut > 0 && s[cut]&0xC0 == 0x80 {
		cut--
	}
	return s[:cut] + dots
}
