// SPDX-License-Identifier: Apache-2.0

package diag_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/diag"
)

var (
	compile   = diag.Diagnostic{Severity: diag.Error, Aspect: diag.Accepted, Reason: "InvalidCondition", Path: "spec.condition", Line: 2, Column: 7, Message: "no"}
	reference = diag.Diagnostic{Severity: diag.Error, Aspect: diag.References, Reason: "RoleNotFound", Path: "spec.roles[0]", Message: "none"}
	warning   = diag.Diagnostic{Severity: diag.Warning, Aspect: diag.Accepted, Reason: "ExpensiveCondition", Path: "spec.condition", Message: "dear"}
)

func TestSorted(t *testing.T) {
	got := diag.List{warning, reference, compile, reference}.Sorted()
	if diff := cmp.Diff(diag.List{compile, reference, warning}, got); diff != "" {
		t.Error(diff)
	}
}

func TestParts(t *testing.T) {
	l := diag.List{warning, reference, compile}
	if diff := cmp.Diff(diag.List{compile}, l.Errors(diag.Accepted)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(diag.List{reference}, l.Errors(diag.References)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(diag.List{warning}, l.Warnings()); diff != "" {
		t.Error(diff)
	}
}

func TestMessage(t *testing.T) {
	const first = "spec.condition (line 2, column 7): no"
	for name, tc := range map[string]struct {
		faults diag.List
		limit  int
		want   string
	}{
		"nothing":                         {nil, 100, ""},
		"one fault":                       {diag.List{compile}, 100, first},
		"two that fit":                    {diag.List{compile, reference}, 100, first + "; spec.roles[0]: none"},
		"what does not fit is counted":    {diag.List{compile, reference, warning}, 55, first + "; and 2 more"},
		"the first is cut if it must be":  {diag.List{compile}, 20, "spec.condition (l..."},
		"the first is cut for the others": {diag.List{compile, reference}, 40, "spec.condition (line 2, c...; and 1 more"},
	} {
		t.Run(name, func(t *testing.T) {
			got := tc.faults.Message(tc.limit)
			if got != tc.want || len(got) > tc.limit {
				t.Errorf("%q of %d bytes, want %q of at most %d", got, len(got), tc.want, tc.limit)
			}
		})
	}
}

// TestMessageCutsBetweenCharacters shows that a cut leaves valid UTF-8, which a
// condition's message must be.
func TestMessageCutsBetweenCharacters(t *testing.T) {
	fault := diag.Diagnostic{Path: "p", Message: strings.Repeat("ä", 50)}
	for limit := 3; limit < 60; limit++ {
		if got := (diag.List{fault}).Message(limit); len(got) > limit || !utf8.ValidString(got) {
			t.Errorf("limit %d: %q", limit, got)
		}
	}
}
