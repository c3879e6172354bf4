// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/diag"
)

// faults collects what is wrong with one object.
type faults struct {
	found diag.List
}

func (f *faults) add(d diag.Diagnostic) {
	f.found = append(f.found, d)
}

// invalid reports what the schema refuses.
func (f *faults) invalid(path, format string, args ...any) {
	f.add(diag.Diagnostic{
		Severity: diag.Error, Aspect: diag.Accepted, Reason: v1alpha1.ReasonInvalidSpec,
		Path: path, Message: fmt.Sprintf(format, args...),
	})
}

func index(path string, i int) string {
	return path + "[" + strconv.Itoa(i) + "]"
}

// maxQuoted is how many characters of a value a message repeats.
const maxQuoted = 80

// quote renders a value of an object in a message: on one line, and not
// endless.
func quote(s string) string {
	if utf8.RuneCountInString(s) > maxQuoted {
		s = string([]rune(s)[:maxQuoted]) + "..."
	}
	return strconv.Quote(s)
}

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}
