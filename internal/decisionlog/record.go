// SPDX-License-Identifier: Apache-2.0

package decisionlog

import (
	"time"
	"unicode/utf8"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
)

// field is a text of a record.
type field int

// The texts of a record, in the order in which they stand in its memory.
const (
	requestID field = iota
	callerName
	callerMethod
	namespace
	subjectType
	subjectID
	action
	resourceType
	resourceID
	scope
	revision
	included // members of a JSON object, with commas between them
	fields
)

const (
	// maxText is how long a text may be in bytes; what is longer ends with
	// ellipsis.
	maxText  = 1 << 10
	ellipsis = "…"
	// maxRoles is how many roles of a decision a line names.
	maxRoles = 100
	// maxKept is the longest text in bytes of a record that is used again.
	maxKept = 4 << 10
)

// record is a copy of a decision: whoever asked uses the memory of the request
// again.
type record struct {
	door    string
	at      time.Time
	status  int // of a check that was refused, else 0
	allowed bool
	reason  authz.Reason
	took    time.Duration
	// The numbers of what the subject states.
	asserted, groups int
	// roles are those of the decision, as far as they are named, and more counts
	// the others.
	roles []string
	more  int

	// text is all texts, and ends where each of them ends.
	text []byte
	ends [fields]int
}

// decided copies a decision, and of the properties those that are included.
func (r *record) decided(name string, d *door.Record, include []property) {
	q := d.Request
	r.origin(name, &d.Origin)
	r.at, r.took = q.Time, d.Took
	r.allowed, r.reason = d.Decision.Allowed, d.Decision.Reason
	r.asserted, r.groups = len(q.Subject.Roles), len(q.Subject.Groups)
	named := min(len(d.Decision.Roles), maxRoles)
	r.roles = append(r.roles[:0], d.Decision.Roles[:named]...)
	r.more = len(d.Decision.Roles) - named
	r.put(subjectType, q.Subject.Type)
	r.put(subjectID, q.Subject.ID)
	r.put(action, q.Action.Name)
	r.put(resourceType, q.Resource.Type)
	r.put(resourceID, q.Resource.ID)
	r.put(scope, q.Scope)
	r.put(revision, d.Revision)
	for i := range include {
		r.text = include[i].append(r.text, r.ends[revision], q)
	}
	r.ends[included] = len(r.text)
}

// refused copies what is known of a check that ended with a status.
func (r *record) refused(name string, o *door.Origin, at time.Time, status int) {
	r.origin(name, o)
	r.at, r.status = at, status
}

func (r *record) origin(name string, o *door.Origin) {
	r.door = name
	r.put(requestID, o.RequestID)
	r.put(callerName, o.Caller.Name)
	r.put(callerMethod, o.Caller.Method)
	r.put(namespace, o.Namespace)
}

// put writes a text. They come in the order of the fields.
func (r *record) put(f field, s string) {
	if len(s) > maxText {
		end := maxText - len(ellipsis)
		for end > 0 && !utf8.RuneStart(s[end]) {
			end--
		}
		r.text = append(append(r.text, s[:end]...), ellipsis...)
	} else {
		r.text = append(r.text, s...)
	}
	r.ends[f] = len(r.text)
}

// get returns a text; what has not been put is empty.
func (r *record) get(f field) []byte {
	begin := 0
	if f > 0 {
		begin = r.ends[f-1]
	}
	return r.text[min(begin, r.ends[f]):r.ends[f]]
}

// reset forgets everything but the memory, and reports whether that is small
// enough to be kept.
func (r *record) reset() bool {
	clear(r.roles)
	*r = record{text: r.text[:0], roles: r.roles[:0]}
	return cap(r.text) <= maxKept
}
