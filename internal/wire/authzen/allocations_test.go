// SPDX-License-Identifier: Apache-2.0

//go:build !race

// The race detector makes pools forget what they hold.

package authzen_test

import (
	"strings"
	"testing"
)

// TestAllocations: a check allocates the copy of its body that its strings share,
// and what free values are boxed in. Whatever is more than that has crept in.
func TestAllocations(t *testing.T) {
	const head = `{"subject":{"type":"user","id":"alice"},"action":{"name":"read"},"resource":{"type":"record","id":"record-1"`
	tests := map[string]struct {
		body string
		want float64
	}{
		"an allow":                 {head + `}}`, 1},
		"a deny":                   {strings.Replace(head, "read", "drop", 1) + `}}`, 1},
		"a scope":                  {head + `},"context":{"scope":"org:a"}}`, 2},
		"properties and a scope":   {question, 3},
		"true, false and null":     {head + `,"properties":{"a":true,"b":false,"c":null}}}`, 1},
		"members that nobody asks": {head + `},"x":{"a":["b",{"c":1.5}],"d":{}}}`, 1},
		"empty objects":            {head + `,"properties":{}},"context":{}}`, 1},
		"an escaped string":        {strings.Replace(head, "alice", `al\u0069ce`, 1) + `}}`, 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			ask := asker(t, tt.body)
			got := testing.AllocsPerRun(200, func() {
				if err := ask(); err != nil {
					t.Error(err)
				}
			})
			if got != tt.want {
				t.Errorf("%v allocations, want %v", got, tt.want)
			}
		})
	}
}
