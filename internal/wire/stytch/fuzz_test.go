// SPDX-License-Identifier: Apache-2.0

package stytch_test

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/wire/stytch"
)

// FuzzAuthenticate: a strict decoder that is told the shape of a request takes and
// refuses the same bodies, and reads the same members.
func FuzzAuthenticate(f *testing.F) {
	for _, seed := range []string{
		`{"session_jwt": "a.b.c", "authorization_check": {"organization_id": "o", "resource_id": "r", "action": "a"}}`,
		`{"session_token": "t", "authorization_check": null, "session_duration_minutes": null, "x": [1]}`,
		`{"session_jwt": "a", "session_token": "t"}`, `{"session_jwt": "a", "session_custom_claims": {"a": 1}}`,
		`{"session_jwt": "a", "authorization_check": {"action": ""}}`, `{"session_jwt": "a", "authorization_check": []}`,
		`{"session_jwt": 1}`, `null`, `[]`, ``, `{"session_jwt": "a", "session_jwt": "b"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var want struct {
			Token    string `json:"session_token"`
			JWT      string `json:"session_jwt"`
			Duration any    `json:"session_duration_minutes"`
			Claims   any    `json:"session_custom_claims"`
			Check    *struct {
				Organization string `json:"organization_id"`
				Resource     string `json:"resource_id"`
				Action       string `json:"action"`
			} `json:"authorization_check"`
		}
		wantErr := json.Unmarshal(body, &want)
		good := wantErr == nil && want.Duration == nil && want.Claims == nil && (want.Token == "") != (want.JWT == "") &&
			(want.Check == nil || want.Check.Organization != "" && want.Check.Resource != "" && want.Check.Action != "")
		got, err := stytch.DecodeAuthenticate(body)
		switch {
		case err != nil && strings.Contains(err.Error(), "deeper than"):
			return
		case (err == nil) != good:
			t.Fatalf("error %v, want one: %v (%v)", err, !good, wantErr)
		case err != nil:
			return
		}
		request := &stytch.Authenticate{Token: want.Token, JWT: want.JWT, Check: (*stytch.Check)(want.Check)}
		if diff := cmp.Diff(request, got); diff != "" {
			t.Errorf("request (-want +got):\n%s", diff)
		}
	})
}
