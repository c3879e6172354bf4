// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/internal/policy"
)

func FuzzWords(f *testing.F) {
	f.Add("read", "write", "")
	f.Add("", "", "")
	f.Add("a\x00b", strings.Repeat("x", 127), strings.Repeat("y", 128))
	f.Add("\x01a", "\x80\x80", strings.Repeat("z", 1<<14))
	f.Fuzz(func(t *testing.T, a, b, c string) {
		for n := range 4 {
			list := []string{a, b, c}[:n]
			words := policy.WordsOf(list...)
			if got := slices.Collect(words.All()); !slices.Equal(got, list) {
				t.Fatalf("words of %q are %q", list, got)
			}
			if words != policy.WordsOf(slices.Clone(list)...) {
				t.Fatalf("twice the words of %q are not equal", list)
			}
			for _, word := range append(list, "none") {
				is := func(w string) bool { return w == word }
				if got, want := words.Any(is), slices.ContainsFunc(list, is); got != want {
					t.Fatalf("any of %q is %q: %t, want %t", list, word, got, want)
				}
			}
		}
		if joined := policy.WordsOf(a + b); a != "" && b != "" && joined == policy.WordsOf(a, b) {
			t.Fatalf("%q and %q are as one word", a, b)
		}
	})
}
