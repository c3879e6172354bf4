// SPDX-License-Identifier: Apache-2.0

package decisionlog

import (
	"strconv"
	"time"

	"github.com/rolecall/rolecall/internal/wire/ijson"
)

// appendLine appends the record as a line of JSON. The names of its members are
// an interface of the server; docs/decision-log.md has them all.
func (r *record) appendLine(b []byte) []byte {
	b = append(b, `{"time":"`...)
	b = r.at.UTC().AppendFormat(b, "2006-01-02T15:04:05.000000000Z07:00")
	b = append(b, `","door":`...)
	b = ijson.AppendText(b, r.door)
	b = r.member(b, `,"requestID":`, requestID)
	if len(r.get(callerName)) > 0 {
		b = r.member(b, `,"caller":{"name":`, callerName)
		b = r.member(b, `,"method":`, callerMethod)
		b = append(b, '}')
	}
	b = r.member(b, `,"namespace":`, namespace)
	if r.status != 0 {
		b = append(b, `,"decision":"error","status":`...)
		b = strconv.AppendInt(b, int64(r.status), 10)
		return append(b, '}', '\n')
	}
	b = r.appendQuestion(b)
	b = r.appendAnswer(b)
	return append(b, '}', '\n')
}

func (r *record) appendQuestion(b []byte) []byte {
	b = r.member(b, `,"subject":{"type":`, subjectType)
	b = r.member(b, `,"id":`, subjectID)
	b = appendCount(b, `,"roles":`, r.asserted)
	b = appendCount(b, `,"groups":`, r.groups)
	b = append(b, '}')
	b = r.member(b, `,"action":`, action)
	b = r.member(b, `,"resource":{"type":`, resourceType)
	b = r.member(b, `,"id":`, resourceID)
	b = append(b, '}')
	if len(r.get(scope)) > 0 {
		b = r.member(b, `,"scope":`, scope)
	}
	if properties := r.get(included); len(properties) > 0 {
		b = append(b, `,"properties":{`...)
		b = append(b, properties...)
		b = append(b, '}')
	}
	return b
}

func (r *record) appendAnswer(b []byte) []byte {
	if r.allowed {
		b = append(b, `,"decision":"allow","reason":`...)
	} else {
		b = append(b, `,"decision":"deny","reason":`...)
	}
	b = ijson.AppendText(b, r.reason.String())
	b = append(b, `,"roles":[`...)
	for i, role := range r.roles {
		if i > 0 {
			b = append(b, ',')
		}
		b = ijson.AppendText(b, role)
	}
	b = append(b, ']')
	b = appendCount(b, `,"moreRoles":`, r.more)
	b = r.member(b, `,"revision":`, revision)
	b = append(b, `,"latencyMicroseconds":`...)
	return strconv.AppendFloat(b, float64(r.took)/float64(time.Microsecond), 'f', -1, 64)
}

// member appends a text after the name of its member.
func (r *record) member(b []byte, name string, f field) []byte {
	b = append(b, name...)
	return ijson.AppendText(b, string(r.get(f)))
}

// appendCount appends a number after the name of its member, if there is
// anything to count.
func appendCount(b []byte, name string, n int) []byte {
	if n == 0 {
		return b
	}
	return strconv.AppendInt(append(b, name...), int64(n), 10)
}
