// SPDX-License-Identifier: Apache-2.0

package caller_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/rolecall/rolecall/internal/door"
)

func TestServiceAccounts(t *testing.T) {
	r := newRig(t, serviceAccounts())
	r.may("checks", "shop")
	with := func(name string, value any) map[string]any {
		c := r.claims()
		c[name] = value
		return c
	}
	past := r.clock.Now().Add(-time.Second).Unix()
	tests := map[string]struct {
		token  string
		status int
		want   string
	}{
		"one with the right":     {token: r.tokenOf(checkout, r.claims())},
		"an audience alone":      {token: r.tokenOf(checkout, with("aud", "rolecall.dev"))},
		"one audience of two":    {token: r.tokenOf(checkout, with("aud", []string{"a", "rolecall.dev"}))},
		"a token without an end": {token: r.tokenOf(checkout, map[string]any{"aud": "rolecall.dev"})},
		"one without the right": {
			r.tokenOf("system:serviceaccount:shop:cart", with("jti", "1")), http.StatusForbidden,
			`the caller "system:serviceaccount:shop:cart" may not create checks.rolecall.dev in the namespace "shop"; ` +
				"bind it a role with `create` on this virtual resource there, such as the ClusterRole rolecall-checker",
		},
		"a token that the API server does not know": {jwtOf(with("jti", "2")), http.StatusUnauthorized, "the API server does not accept the token"},
		"somebody who is no service account":        {r.tokenOf("alice", with("jti", "3")), http.StatusUnauthorized, "does not accept"},
		"a token for another audience":              {r.tokenOf(checkout, with("aud", "vault")), http.StatusUnauthorized, "not for the audience rolecall.dev; make one with `kubectl create token"},
		"a token without an audience":               {r.tokenOf(checkout, map[string]any{}), http.StatusUnauthorized, "not for the audience"},
		"a token that has ended":                    {r.tokenOf(checkout, with("exp", past)), http.StatusUnauthorized, "expired"},
		"a token that ends now":                     {r.tokenOf(checkout, with("exp", r.clock.Now().Unix())), http.StatusUnauthorized, "expired"},
		"a word":                                    {"sesame", http.StatusUnauthorized, "no JWT"},
		"claims that are no JSON":                   {"a.b.c", http.StatusUnauthorized, "no JWT"},
		"claims that are no claims":                 {jwtOf(with("aud", 1)), http.StatusUnauthorized, "no JWT"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.status == 0 {
				r.admitted(t, bearer(tt.token), checkout)
				return
			}
			r.refused(t, bearer(tt.token), tt.status, tt.want)
		})
	}
	if strings.Contains(r.logged(), "token") {
		t.Error("the log tells of requests")
	}
}

// TestPermissions: each permission is a right of its own, in each namespace, and the
// answer does not say whether there is such a namespace.
func TestPermissions(t *testing.T) {
	r := newRig(t, serviceAccounts())
	token := bearer(r.tokenOf(checkout, r.claims()))
	all := map[door.Permission]string{
		door.PermissionCheck: "rolecall-checker", door.PermissionSearch: "rolecall-searcher",
		door.PermissionExplain: "rolecall-explainer", door.PermissionPolicy: "rolecall-policy-reader",
	}
	for p, role := range all {
		namespace := "of-" + string(p)
		r.may(string(p), namespace)
		for q := range all {
			got, err := r.Admit(t.Context(), token, namespace, q)
			if p == q && (err != nil || got.Name != checkout || got.Method != "serviceaccount") {
				t.Errorf("%s in %s: %v, error %v", q, namespace, got, err)
			}
			if p != q {
				check(t, got, err, http.StatusForbidden, string(q)+".rolecall.dev in the namespace")
			}
		}
		for _, elsewhere := range []string{"shop", "", "No such/name", "*"} {
			got, err := r.Admit(t.Context(), token, elsewhere, p)
			check(t, got, err, http.StatusForbidden, fmt.Sprintf("in the namespace %q", elsewhere))
			check(t, got, err, http.StatusForbidden, role)
		}
	}
}

// TestAServerWithoutAudiences: one that says nothing of them has not looked at
// them.
func TestAServerWithoutAudiences(t *testing.T) {
	for _, audiences := range [][]string{nil, {"https://kubernetes.default.svc"}} {
		r := newRig(t, serviceAccounts())
		r.may("checks", "shop")
		r.api.set(func() { r.api.audiences = audiences })
		r.refused(t, bearer(r.tokenOf(checkout, r.claims())), http.StatusUnauthorized, "does not accept")
	}
}

// TestReviewsAreRemembered for their time and no longer, by all of a token.
func TestReviewsAreRemembered(t *testing.T) {
	r := newRig(t, serviceAccounts())
	r.may("checks", "shop")
	r.may("checks", "office")
	token := r.tokenOf(checkout, r.claims())
	asked := func(what string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, r.api.reviews()); diff != "" {
			t.Errorf("%s: reviews (-want +got):\n%s", what, diff)
		}
	}
	const shop, office = checkout + " create checks.rolecall.dev shop", checkout + " create checks.rolecall.dev office"

	r.admitted(t, bearer(token), checkout)
	asked("the first time", "token", shop)
	r.clock.advance(9 * time.Second)
	r.admitted(t, bearer(token), checkout)
	asked("the second time")
	if _, err := r.Admit(t.Context(), bearer(token), "office", door.PermissionCheck); err != nil {
		t.Error(err)
	}
	asked("in another namespace", office)
	for _, tampered := range []string{token + "x", token[:len(token)-1], token[:len(token)-1] + "A", "A" + token[1:]} {
		r.refused(t, bearer(tampered), http.StatusUnauthorized, "")
		asked("a tampered token", "token")
		r.refused(t, bearer(tampered), http.StatusUnauthorized, "")
		asked("a tampered token, again")
	}

	r.mayNot()
	r.admitted(t, bearer(token), checkout)
	r.clock.advance(time.Second)
	r.refused(t, bearer(token), http.StatusForbidden, "may not create")
	asked("after its time", "token", shop)
	r.may("checks", "shop")
	r.refused(t, bearer(token), http.StatusForbidden, "may not create")
	asked("refused a moment ago")
	r.clock.advance(2 * time.Second)
	r.admitted(t, bearer(token), checkout)
	asked("after the time of a refusal", shop)

	r.clock.advance(10 * time.Second)
	r.api.set(func() { clear(r.api.users) })
	r.refused(t, bearer(token), http.StatusUnauthorized, "does not accept")
	asked("a revoked token", "token")
}

// TestATokenEndsInTheMemoryToo, to the second.
func TestATokenEndsInTheMemoryToo(t *testing.T) {
	r := newRig(t, serviceAccounts())
	r.may("checks", "shop")
	token := r.tokenOf(checkout, map[string]any{"aud": "rolecall.dev", "exp": r.clock.Now().Add(5 * time.Second).Unix()})
	r.admitted(t, bearer(token), checkout)
	r.clock.advance(5*time.Second - 1)
	r.admitted(t, bearer(token), checkout)
	r.clock.advance(1)
	r.refused(t, bearer(token), http.StatusUnauthorized, "expired")
}

// TestOutage: who was let in stays so for a while without the API server, nobody
// else gets in, and neither outlasts it.
func TestOutage(t *testing.T) {
	r := newRig(t, serviceAccounts())
	r.may("checks", "shop")
	known, fresh := r.tokenOf(checkout, r.claims()), r.claims()
	fresh["jti"] = "fresh"
	unknown := r.tokenOf(checkout, fresh)
	r.admitted(t, bearer(known), checkout)
	begin := r.clock.Now()

	r.api.set(func() { r.api.broken = http.StatusInternalServerError })
	for r.clock.Now().Before(begin.Add(15*time.Minute - 10*time.Second)) {
		r.clock.advance(10 * time.Second)
		r.admitted(t, bearer(known), checkout)
		r.refused(t, bearer(unknown), http.StatusServiceUnavailable, "who asks could not be reviewed; try again")
	}
	log := r.logged()
	if n := strings.Count(log, "callers cannot be reviewed"); n == 0 || n > 31 {
		t.Errorf("the log speaks of it %d times in a quarter of an hour", n)
	}
	if strings.Contains(log, known) || strings.Contains(log, unknown) {
		t.Errorf("the log holds a token:\n%s", log)
	}
	r.clock.advance(begin.Add(15 * time.Minute).Sub(r.clock.Now()))
	r.eventuallyRefused(t, bearer(known), http.StatusServiceUnavailable)

	r.api.set(func() { r.api.broken = 0 })
	r.admitted(t, bearer(unknown), checkout)
	r.admitted(t, bearer(known), checkout)
	if !strings.Contains(r.logged(), "callers can be reviewed again") {
		t.Error("the log does not say that it is over")
	}
	if r.meter.counts["token false true"] == 0 || r.meter.counts["token true false"] != 3 || r.meter.counts["access true false"] != 3 {
		t.Errorf("counted %v", r.meter.counts)
	}
}

// eventuallyRefused waits for a refusal: while reviews fail the next one is made
// beside the request.
func (r *rig) eventuallyRefused(tb testing.TB, c door.Credentials, status int) {
	tb.Helper()
	err := wait.PollUntilContextTimeout(tb.Context(), time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		_, err := r.ask(tb, c)
		got, _ := door.Answer(err)
		return err != nil && got == status, nil
	})
	if err != nil {
		tb.Errorf("the caller is not refused: %v", err)
	}
}

// TestARightThatWasTakenAwayDuringAnOutage ends with the outage.
func TestARightThatWasTakenAwayDuringAnOutage(t *testing.T) {
	r := newRig(t, serviceAccounts())
	r.may("checks", "shop")
	token := bearer(r.tokenOf(checkout, r.claims()))
	r.admitted(t, token, checkout)
	r.api.set(func() { r.api.broken = http.StatusServiceUnavailable })
	r.clock.advance(10 * time.Second)
	r.admitted(t, token, checkout)
	r.mayNot()
	r.api.set(func() { r.api.broken = 0 })
	r.clock.advance(time.Second)
	r.eventuallyRefused(t, token, http.StatusForbidden)
}

// TestWithoutTheRightToAsk the operator can tell nobody, and the log says what it
// lacks.
func TestWithoutTheRightToAsk(t *testing.T) {
	r := newRig(t, serviceAccounts())
	r.api.set(func() { r.api.broken = http.StatusForbidden })
	r.refused(t, bearer(r.tokenOf(checkout, r.claims())), http.StatusServiceUnavailable, "could not be reviewed")
	if log := r.logged(); !strings.Contains(log, "lacks the right to create tokenreviews.authentication.k8s.io") {
		t.Errorf("the log does not say what to do:\n%s", log)
	}
}

// TestOneReviewForAll who come at once with the same token.
func TestOneReviewForAll(t *testing.T) {
	r := newRig(t, serviceAccounts())
	r.may("checks", "shop")
	held := make(chan struct{})
	r.api.set(func() { r.api.held = held })
	token := bearer(r.tokenOf(checkout, r.claims()))
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { r.admitted(t, token, checkout) })
	}
	hurried, cancel := context.WithCancel(t.Context())
	cancel()
	got, err := r.Admit(hurried, token, "shop", door.PermissionCheck)
	check(t, got, err, http.StatusServiceUnavailable, "given up")
	close(held)
	all.Wait()
	if diff := cmp.Diff([]string{"token", checkout + " create checks.rolecall.dev shop"}, r.api.reviews()); diff != "" {
		t.Errorf("reviews (-want +got):\n%s", diff)
	}
}
