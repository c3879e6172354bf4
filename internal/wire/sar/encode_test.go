// SPDX-License-Identifier: Apache-2.0

package sar_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/wire/sar"
)

// TestOpinions: of all reasons, one allows and two deny.
func TestOpinions(t *testing.T) {
	for _, reason := range authz.Reasons() {
		d := &authz.Decision{Allowed: reason == authz.ReasonGranted, Reason: reason}
		text := string(sar.AppendReview(nil, sar.V1, d))
		denied := strings.Contains(text, `"denied":true`)
		if want := reason == authz.ReasonExplicitDeny || reason == authz.ReasonDenyError; denied != want {
			t.Errorf("%s: %s", reason, text)
		}
		if strings.Contains(text, `"allowed":true`) != d.Allowed || !strings.Contains(text, reason.String()) {
			t.Errorf("%s: %s", reason, text)
		}
	}
}

// TestManyRoles: what users read stays readable.
func TestManyRoles(t *testing.T) {
	d := &authz.Decision{Allowed: true, Reason: authz.ReasonGranted, Roles: strings.Split("abcdefghij", "")}
	const want = `{"kind":"SubjectAccessReview","apiVersion":"authorization.k8s.io/v1","spec":{},` +
		`"status":{"allowed":true,"reason":"Rolecall: Granted: a, b, c, d, e, f, g, h and 2 more"}}`
	if diff := cmp.Diff(want, string(sar.AppendReview(nil, sar.V1, d))); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
}
