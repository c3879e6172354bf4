// SPDX-License-Identifier: Apache-2.0

//go:build !race

// The race detector makes pools forget what they hold.

package decisionlog

import (
	"io"
	"net/http"
	"testing"

	"github.com/go-logr/logr"

	"github.com/rolecall/rolecall/internal/door"
)

// TestAllocations: neither an allow that is not in the sample nor a decision that
// is written down allocates on the path of its check.
func TestAllocations(t *testing.T) {
	c := all()
	c.AllowSampleRate = new(0.0)
	c.QueueLength = 1
	c.Properties.Include = []string{"context.ip", "resource.properties.owner"}
	l := New(Options{Config: c, Output: io.Discard, Logger: logr.Discard()})
	d, allow, deny := l.Door("x"), granted(), denied()
	deny.Request.Context = allow.Request.Context
	take := func() { l.release(<-l.queue) }
	for name, do := range map[string]func(){
		"an allow that is not in the sample": func() { d.Decided(allow) },
		"a deny":                             func() { d.Decided(deny); take() },
		"an error":                           func() { d.Refused(door.Origin{RequestID: "r"}, at(), http.StatusNotFound); take() },
		"a deny that is dropped":             func() { d.Decided(deny); d.Decided(deny); take() },
	} {
		if n := testing.AllocsPerRun(200, do); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
