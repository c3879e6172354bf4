// SPDX-License-Identifier: Apache-2.0

package expr_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/expr"
)

func newEnv(tb testing.TB) *expr.Env {
	tb.Helper()
	env, err := expr.NewEnv()
	if err != nil {
		tb.Fatal(err)
	}
	return env
}

func mustCompile(tb testing.TB, text string) *expr.Program {
	tb.Helper()
	p, issues := newEnv(tb).Compile(text)
	if len(issues) > 0 {
		tb.Fatalf("compile %s: %v", text, issues)
	}
	return p
}

// newRequest returns a request that has something of everything.
func newRequest() *authz.Request {
	return &authz.Request{
		Namespace: "shop",
		Subject: authz.Subject{
			Type: "user", ID: "user-1", Email: "ann@acme.com", EmailVerified: true,
			Roles: []string{"editor"}, Groups: []string{"engineering", "ops"},
			Properties: map[string]any{"level": 5.0, "teams": []any{"a", "b"}, "none": nil},
		},
		Action: authz.Action{Name: "update", Properties: map[string]any{"dry_run": false}},
		Resource: authz.Resource{
			Type: "document", ID: "doc-1",
			Properties: map[string]any{
				"owner_id": "user-1", "count": 5.0, "size": 1.5, "public": false, "teams": []any{"b", "c"},
				"labels": map[string]any{"b": "2", "a": "1", "c": "3"}, "a-b": "dash",
			},
		},
		Scope:   "org:acme/team:web",
		Context: map[string]any{"mfa": true, "ip": "10.1.2.3", "at": "2026-01-01T00:00:00Z"},
		Claims:  map[string]any{"iss": "https://id.acme.com", "level": 3.0},
		Time:    time.Date(2026, time.November, 22, 12, 30, 0, 0, time.UTC),
	}
}

func position(r expr.Read) string {
	return fmt.Sprintf("%d:%d %s", r.Line, r.Column, r.Path)
}
