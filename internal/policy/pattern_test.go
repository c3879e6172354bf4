// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"regexp"
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	for _, tc := range []struct {
		pattern, s string
		want       bool
	}{
		{"create", "create", true},
		{"create", "created", false},
		{"*", "anything:goes.here", true},
		{"update.*", "update.info.name", true},
		{"update.*", "update", false},
		{"*:read", "posts:read", true},
		{"*:read", "read", false},
		{"a*b*c", "abc", true},
		{"a*b*c", "axxbyybzc", true},
		{"a*b*c", "axxc", false},
		{"*aa", "aaa", true},
		{"aa*aa", "aaa", false},
		{"**", "x", true},
		{"ab*ab", "abab", true},
	} {
		if got := Match(tc.pattern, tc.s); got != tc.want {
			t.Errorf("Match(%q, %q) = %v, want %v", tc.pattern, tc.s, got, tc.want)
		}
	}
}

// FuzzMatch holds Match to the regular expression that says the same.
func FuzzMatch(f *testing.F) {
	f.Add("a*b", "axb")
	f.Add("*", "")
	f.Add("*aa*a", "aaaa")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if !strings.Contains(pattern, "*") || strings.ContainsFunc(pattern+s, func(r rune) bool { return r < ' ' || r > '~' }) {
			return
		}
		quoted := strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, `.*`)
		want := regexp.MustCompile("^" + quoted + "$").MatchString(s)
		if got := Match(pattern, s); got != want {
			t.Errorf("Match(%q, %q) = %v, want %v", pattern, s, got, want)
		}
	})
}
