// SPDX-License-Identifier: Apache-2.0

package yorauth_test

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rolecall/rolecall/internal/wire/yorauth"
)

// FuzzCheck: a strict decoder that is told the shape of a check takes and refuses
// the same bodies, and reads the same members.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{
		`{"user_id": "u", "permission": "posts:create", "scope": "org:a", "resource": {"id": "1", "n": 1e3}, "context": {"a": [null, true]}}`,
		`{"user_id": "u", "permissions": ["a:b", "c:d"], "x": {"y": []}}`,
		`{"user_id": null, "permissions": [null], "resource": null}`,
		`{"permissions": "a:b"}`, `{"context": []}`, `{"scope": 1}`, `null`, `[]`, ``, `{"user_id": "a", "user_id": "b"}`, `{"user_id": "\ud800"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var want struct {
			User        string         `json:"user_id"`
			Permission  string         `json:"permission"`
			Permissions []string       `json:"permissions"`
			Scope       string         `json:"scope"`
			Resource    map[string]any `json:"resource"`
			Context     map[string]any `json:"context"`
		}
		wantErr := json.Unmarshal(body, &want)
		got, err := yorauth.DecodeCheck(body)
		switch {
		case err != nil && strings.Contains(err.Error(), "deeper than"):
			return
		case (err != nil) != (wantErr != nil):
			t.Fatalf("error %v, want %v", err, wantErr)
		case err != nil:
			return
		}
		if diff := cmp.Diff(yorauth.Check(want), *got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("check (-want +got):\n%s", diff)
		}
	})
}
