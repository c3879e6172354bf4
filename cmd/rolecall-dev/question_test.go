// SPDX-License-Identifier: Apache-2.0

package main

import "testing"

func TestQuote(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"nothing special":  {text: `{"id":"a b$c"}`, want: `'{"id":"a b$c"}'`},
		"a quote mark":     {text: `it's`, want: `'it'\''s'`},
		"nothing to quote": {text: "", want: "''"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := quote(tt.text); got != tt.want {
				t.Errorf("quote(%q) = %s, want %s", tt.text, got, tt.want)
			}
		})
	}
}

func TestQuestionInWords(t *testing.T) {
	tests := map[string]struct {
		question question
		want     string
	}{
		"in a tenant": {
			question: question{subject: "alice", action: "delete", resourceType: "document", id: "plan", scope: "org:acme"},
			want:     "May alice delete document plan of org:acme?",
		},
		"without one": {
			question: question{subject: "alice", action: "read", resourceType: "posts", id: "1"},
			want:     "May alice read posts 1?",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tt.question.String(); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}
