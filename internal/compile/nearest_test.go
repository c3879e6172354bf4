// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"testing"

	"github.com/rolecall/rolecall/internal/compile"
)

func TestDidYouMean(t *testing.T) {
	names := []string{"delete", "download", "read", "share", "stytch.member", "stytch.self", "update.info.name", "upload", "ab"}
	tests := map[string]struct {
		name string
		want string // empty if none
	}{
		"two characters are swapped":                 {"raed", "read"},
		"one is missing":                             {"delte", "delete"},
		"one is too many":                            {"readd", "read"},
		"one is another":                             {"shaer", "share"},
		"capitals":                                   {"READ", "read"},
		"more mistakes in a longer name":             {"stych.membr", "stytch.member"},
		"the nearest of several":                     {"updload", "upload"},
		"of equally near ones the first":             {"ownload", "download"},
		"nothing is near":                            {"approve", ""},
		"a short name is not near to all short ones": {"xy", ""},
		"an empty name is near to none":              {"", ""},
		"a pattern with a mistake before its star":   {"udpate.*", "update.*"},
		"a pattern that begins too short":            {"stytc.*", "stytch.*"},
		"a pattern with more than one star":          {"sttch.*m*", "stytch.*m*"},
		"a pattern that mending does not help":       {"udpate.*x", ""},
		"a pattern that begins with its star":        {"*.x", ""},
	}
	for sentence, tt := range tests {
		t.Run(sentence, func(t *testing.T) {
			want := ""
			if tt.want != "" {
				want = ` (did you mean "` + tt.want + `"?)`
			}
			if got := compile.DidYouMean(tt.name, names); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
