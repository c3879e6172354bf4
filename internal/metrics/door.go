// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rolecall/rolecall/internal/authz"
)

// Door counts for one door. It implements door.Meter.
type Door struct {
	decided  []prometheus.Counter       // by reason
	refused  map[int]prometheus.Counter // by status
	duration prometheus.Observer
	codes    map[int]prometheus.Counter // 0 is every other one
}

// The reasons of checks that end without a decision, by the status that the
// client is told; every other status is InternalError.
func refusals() map[int]string {
	return map[int]string{
		http.StatusBadRequest:          "InvalidRequest",
		http.StatusNotFound:            "UnknownNamespace",
		http.StatusServiceUnavailable:  "NotReady",
		http.StatusInternalServerError: "InternalError",
	}
}

// Codes are the statuses of answers that have a series of their own; the others
// share "other".
func codes() []int {
	return []int{
		http.StatusOK, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound,
		http.StatusMethodNotAllowed, http.StatusRequestEntityTooLarge,
		http.StatusInternalServerError, http.StatusServiceUnavailable,
	}
}

// Door returns the counters of a door that New was told of, and those of NoDoor
// for any other.
func (m *Metrics) Door(name string) *Door {
	if d := m.doors[name]; d != nil {
		return d
	}
	return m.doors[NoDoor]
}

func (t *table) door(name string) *Door {
	d := &Door{
		refused: make(map[int]prometheus.Counter),
		codes:   make(map[int]prometheus.Counter),
	}
	for _, code := range codes() {
		d.codes[code] = t.httpRequests.WithLabelValues(name, strconv.Itoa(code))
	}
	d.codes[0] = t.httpRequests.WithLabelValues(name, Other)
	if name == NoDoor {
		return d // it decides nothing
	}
	d.duration = t.checkDuration.WithLabelValues(name)
	for status, reason := range refusals() {
		d.refused[status] = t.decisions.WithLabelValues(name, "error", reason)
	}
	d.decided = make([]prometheus.Counter, len(authz.Reasons())+1)
	for _, reason := range authz.Reasons() {
		d.decided[reason] = t.decisions.WithLabelValues(name, outcome(reason), reason.String())
	}
	return d
}

// outcome is the decision that a reason stands for: one of them is an allow.
func outcome(r authz.Reason) string {
	if r == authz.ReasonGranted {
		return "allow"
	}
	return "deny"
}

// Decided counts a decision and the time that it took.
func (d *Door) Decided(decision *authz.Decision, took time.Duration) {
	if d.duration == nil {
		return
	}
	d.duration.Observe(took.Seconds())
	if r := int(decision.Reason); r < len(d.decided) && d.decided[r] != nil {
		d.decided[r].Inc()
	}
}

// Refused counts a check that ended without a decision, by the status that the
// client is told.
func (d *Door) Refused(status int) {
	c := d.refused[status]
	if c == nil {
		c = d.refused[http.StatusInternalServerError]
	}
	if c != nil {
		c.Inc()
	}
}

// Answered counts an HTTP request by the status of its answer.
func (d *Door) Answered(status int) {
	c := d.codes[status]
	if c == nil {
		c = d.codes[0]
	}
	c.Inc()
}
