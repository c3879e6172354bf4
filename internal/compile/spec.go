// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"strings"
	"unicode/utf8"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/policy"
)

// The limits of the CRDs' schemas. Texts are measured in characters.
const (
	maxID                = 253
	maxSubjectID         = 512
	maxScope             = 512
	maxText              = 1024
	maxCondition         = 4096
	maxActions           = 256
	maxInherits          = 64
	maxPermissions       = 256
	maxPermissionActions = 64
	maxRoles             = 16
	maxSubjects          = 1000
	maxResources         = 256
	maxMembers           = 5000
	maxInstances         = 5000
	maxProperties        = 64
	maxRoutes            = 128
)

const idForm = "letters, digits and _ . : / -, at most 253, beginning and ending with a letter, a digit or _"

// effectiveID checks the id in force, which is the given one or else the
// object's name.
func (f *faults) effectiveID(path, given, inForce string) bool {
	if given == "" {
		path = "metadata.name"
	}
	return f.id(path, inForce)
}

func (f *faults) id(path, s string) bool {
	if validName(s, false) {
		return true
	}
	f.invalid(path, "%s is not an id: write %s", quote(s), idForm)
	return false
}

func (f *faults) pattern(path, s string) bool {
	if validName(s, true) {
		return true
	}
	f.invalid(path, "%s is neither an id nor a pattern: write %s, or * for any run of characters", quote(s), idForm)
	return false
}

func (f *faults) text(path, s string) {
	if n := utf8.RuneCountInString(s); n > maxText {
		f.invalid(path, "the text has %d characters, at most %d are allowed: shorten it", n, maxText)
	}
}

// list checks how many items a list has; an absent one may have none.
func (f *faults) list(path string, absent bool, n, limit int) bool {
	switch {
	case n == 0 && !absent:
		f.invalid(path, "the list is empty: name at least one item, or leave the field out if it is optional")
		return false
	case n > limit:
		f.invalid(path, "the list has %d items, at most %d are allowed: split the object", n, limit)
	}
	return true
}

// repeated reports an item that the list holds already.
func (f *faults) repeated(path, value string) {
	f.invalid(path, "%s stands in the list twice: remove one", value)
}

// idSet checks a set of ids and returns all of it.
func (f *faults) idSet(path string, ids []v1alpha1.ID, limit int) []string {
	f.list(path, ids == nil, len(ids), limit)
	for i, id := range ids {
		if !validName(string(id), false) {
			f.id(index(path, i), string(id))
		}
	}
	for _, i := range repeats(ids, func(id v1alpha1.ID) string { return string(id) }) {
		f.repeated(index(path, i), quote(string(ids[i])))
	}
	if len(ids) == 0 {
		return nil
	}
	return texts(ids)
}

// patternSet reports whether a set of patterns says what it covers.
func (f *faults) patternSet(path string, patterns []v1alpha1.Pattern, limit int) bool {
	usable := f.list(path, false, len(patterns), limit)
	for i, p := range patterns {
		usable = f.pattern(index(path, i), string(p)) && usable
	}
	for _, i := range repeats(patterns, func(p v1alpha1.Pattern) string { return string(p) }) {
		f.repeated(index(path, i), quote(string(patterns[i])))
	}
	return usable
}

// resourceActions returns the names that can be declared.
func (f *faults) resourceActions(actions []v1alpha1.ResourceAction) []string {
	const path = "spec.actions"
	f.list(path, actions == nil, len(actions), maxActions)
	var names []string
	seen := make(map[v1alpha1.ID]bool, len(actions))
	for i := range actions {
		a := &actions[i]
		f.text(index(path, i)+".description", string(a.Description))
		switch {
		case !f.id(index(path, i)+".name", string(a.Name)):
		case seen[a.Name]:
			f.repeated(index(path, i)+".name", quote(string(a.Name)))
		default:
			seen[a.Name] = true
			names = append(names, string(a.Name))
		}
	}
	return names
}

func (f *faults) scoping(s v1alpha1.Scoping) (required bool) {
	switch s {
	case "", v1alpha1.ScopingOptional:
		return false
	case v1alpha1.ScopingRequired:
		return true
	}
	f.invalid("spec.scoping", "%s is no scoping, so a scope is required: write Optional or Required", quote(string(s)))
	return true
}

// keys returns a key for each of the subjects that stand at a path, which are
// called by a noun.
func (f *faults) keys(path, noun string, subjects []v1alpha1.Subject) []policy.Key {
	if len(subjects) == 0 {
		return nil
	}
	keys := make([]policy.Key, len(subjects))
	for i := range subjects {
		s := &subjects[i]
		// Nearly all are plain users, and there may be thousands: no path is
		// written for them.
		if plainUser(s) || f.subject(index(path, i), *s) {
			keys[i] = keyOf(*s)
		}
	}
	for _, i := range repeats(subjects, func(s v1alpha1.Subject) string { return s.ID }) {
		f.repeated(index(path, i), "the "+noun+" "+quote(subjects[i].ID))
	}
	return keys
}

// plainUser reports whether a subject is a user by id, as subject would find out
// in more steps.
func plainUser(s *v1alpha1.Subject) bool {
	return s.Type == v1alpha1.SubjectUser && s.Connection == "" &&
		s.ID != "" && len(s.ID) <= maxSubjectID && strings.IndexByte(s.ID, '*') < 0
}
