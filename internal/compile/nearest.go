// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"strings"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/policy"
)

// DidYouMean returns a hint at the name that may have been meant, as a part of a
// sentence that begins with a blank, or nothing if none is near. The names may
// stand in any order, also twice.
func DidYouMean(s string, names []string) string {
	near, found := nearest(s, names)
	if policy.IsPattern(s) {
		near, found = nearestPattern(s, names)
	}
	if !found {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", quote(near))
}

// nearest returns the name with the fewest typing mistakes, of several the first
// by bytes. Capitals count little: they are the likeliest mistake.
func nearest(s string, names []string) (near string, found bool) {
	folded, best := authz.FoldASCII(s), tolerated(s)+1
	for _, name := range names {
		if difference(len(name), len(s)) >= best+1 {
			continue
		}
		d := distance(folded, authz.FoldASCII(name))
		if name == s || d >= max(len(s), len(name)) {
			continue
		}
		if d < best || (found && d == best && name < near) {
			near, best, found = name, d, true
		}
	}
	return near, found
}

// nearestPattern mends what stands before the first `*`, if the pattern then
// matches something. What stands right before it, mostly a dot, is taken as
// right, or any part of a name would do.
func nearestPattern(pattern string, names []string) (near string, found bool) {
	head, tail, _ := strings.Cut(pattern, "*")
	var heads []string
	for _, name := range names {
		for n := max(len(head)-1, 1); n <= min(len(head)+1, len(name)); n++ {
			if strings.HasSuffix(head, name[n-1:n]) && policy.Match(name[:n]+"*"+tail, name) {
				heads = append(heads, name[:n])
			}
		}
	}
	mended, found := nearest(head, heads)
	return mended + "*" + tail, found
}

// tolerated is how many mistakes a name of this length may have and still be
// called near.
func tolerated(s string) int {
	return min(1+len(s)/4, 3)
}

func difference(a, b int) int {
	return max(a-b, b-a)
}

// distance counts the bytes that must be inserted, removed, replaced or swapped
// with their neighbour to turn a into b (the optimal string alignment distance).
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost(a[i-1] != b[j-1]))
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

func cost(differs bool) int {
	if differs {
		return 1
	}
	return 0
}
