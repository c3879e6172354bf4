// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"strings"
	"time"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/policy"
)

// keyOf returns the key that a subject is filed under.
func keyOf(s v1alpha1.Subject) policy.Key {
	key := policy.Key{Type: string(s.Type), Connection: s.Connection, ID: s.ID}
	if key.Type == authz.TypeEmailDomain {
		key.ID = authz.FoldASCII(key.ID)
	}
	return key
}

// subject reports whether somebody can be the subject.
func (f *faults) subject(path string, s v1alpha1.Subject) bool {
	typed := f.id(path+".type", string(s.Type))
	connected := f.connection(path+".connection", s)
	return f.subjectID(path+".id", s) && typed && connected
}

func (f *faults) connection(path string, s v1alpha1.Subject) bool {
	sso := string(s.Type) == authz.TypeSSOGroup
	switch {
	case sso && s.Connection == "":
		f.invalid(path, "the connection is missing: a subject of type sso_group needs the id of its SSO connection")
	case !sso && s.Connection != "":
		f.invalid(path, "%s belongs to a subject of type sso_group, and this one is of type %s: remove the connection or change the type",
			quote(s.Connection), quote(string(s.Type)))
	case utf8.RuneCountInString(s.Connection) > maxID:
		f.invalid(path, "%s is longer than %d characters: write the connection's id", quote(s.Connection), maxID)
	default:
		return true
	}
	return false
}

func (f *faults) subjectID(path string, s v1alpha1.Subject) bool {
	switch typ := string(s.Type); {
	case s.ID == "":
		f.invalid(path, "the id is empty: write the subject's id, or * for every subject of the type")
	case utf8.RuneCountInString(s.ID) > maxSubjectID:
		f.invalid(path, "%s is longer than %d characters: write the subject's id", quote(s.ID), maxSubjectID)
	case s.ID == authz.Wildcard && authz.ReservedType(typ):
		f.invalid(path, "* needs a type of subject such as user, not %s: name one %s", typ, typ)
	case s.ID != authz.Wildcard && strings.Contains(s.ID, authz.Wildcard):
		f.invalid(path, "%s is no pattern, * can only stand alone: name one subject, or write * for every subject of the type", quote(s.ID))
	case typ == authz.TypeEmailDomain && !validDomain(s.ID):
		f.invalid(path, "%s is no e-mail domain: write what follows the @, such as acme.com", quote(s.ID))
	default:
		return true
	}
	return false
}

// scope returns where the roles are held: everywhere, if nobody can say where.
func (f *faults) scope(s string) (scope string, usable bool) {
	if s == authz.Wildcard || (authz.ValidScope(s) && plainScope(s) && utf8.RuneCountInString(s) <= maxScope) {
		return s, true
	}
	f.invalid("spec.scope", "%s is no scope, so the binding allows nothing and its Denies apply everywhere: "+
		"write segments joined by / such as org:acme/team:web, without blanks, at most %d characters, or * for everywhere", quote(s), maxScope)
	return authz.Wildcard, false
}

// instances returns what the binding is limited to: nothing, if nobody can say
// what.
func (f *faults) instances(refs []v1alpha1.ResourceRef) ([]policy.Instance, bool) {
	const path = "spec.resources"
	usable := f.list(path, refs == nil, len(refs), maxResources)
	var out []policy.Instance
	for i, r := range refs {
		usable = f.instance(index(path, i), r) && usable
		out = append(out, policy.Instance{Type: string(r.Type), ID: r.ID})
	}
	for _, i := range repeats(refs, func(r v1alpha1.ResourceRef) string { return r.ID }) {
		f.repeated(index(path, i), "the resource "+quote(refs[i].ID))
	}
	if !usable {
		return nil, false
	}
	return out, true
}

func (f *faults) instance(path string, r v1alpha1.ResourceRef) bool {
	typed := f.id(path+".type", string(r.Type))
	switch {
	case r.ID == "":
		f.invalid(path+".id", "the id is empty: write the id of the instance, or leave resources out to mean all of them")
	case utf8.RuneCountInString(r.ID) > maxSubjectID:
		f.invalid(path+".id", "%s is longer than %d characters: write the id of the instance", quote(r.ID), maxSubjectID)
	case strings.Contains(r.ID, authz.Wildcard):
		f.invalid(path+".id", "%s is no pattern: write the whole id of the instance, or leave resources out to mean all of them", quote(r.ID))
	default:
		return typed
	}
	return false
}

// validity returns when the binding is valid: always, if nobody can say when.
func (f *faults) validity(from, to *metav1.Time) (notBefore, notAfter time.Time, usable bool) {
	notBefore, notAfter = bound(from), bound(to)
	if from == nil || to == nil || notBefore.Before(notAfter) {
		return notBefore, notAfter, true
	}
	f.invalid("spec.notAfter", "%s is not after notBefore, %s, so the binding allows nothing and its Denies always apply: "+
		"let notBefore be before notAfter", instant(notAfter), instant(notBefore))
	return time.Time{}, time.Time{}, false
}

// bound returns a bound of the validity. The zero time means that there is none,
// so whoever writes it gets the moment after it.
func bound(t *metav1.Time) time.Time {
	switch {
	case t == nil:
		return time.Time{}
	case t.IsZero():
		return t.Add(time.Nanosecond)
	}
	return t.Time
}

func instant(t time.Time) string {
	return t.UTC().Format(time.RFC3339)
}
