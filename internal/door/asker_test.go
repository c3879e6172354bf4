// SPDX-License-Identifier: Apache-2.0

package door_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
)

// core is a policy that hands its clock on and decides as it is told.
type core struct {
	err, absent error
	seen        []string
	revision    string
}

func (c *core) Checker() (authz.Checker, error) { return c, c.absent }
func (c *core) Revision() string                { return c.revision }

func (c *core) Check(r *authz.Request, d *authz.Decision) error {
	c.seen = append(c.seen, fmt.Sprint(r.Namespace, " ", r.Time.Unix()))
	*d = authz.Decision{Allowed: true, Reason: authz.ReasonGranted, Roles: []string{"a"}}
	return c.err
}

// meter remembers what it was told.
type meter struct{ told []string }

func (m *meter) Decided(d *authz.Decision, took time.Duration) {
	m.told = append(m.told, fmt.Sprint(d.Reason, " ", took))
}
func (m *meter) Refused(status int) { m.told = append(m.told, fmt.Sprint(status)) }

// recorder does so too.
type recorder struct{ told []string }

func (m *recorder) Decided(r door.Record) {
	m.told = append(m.told, fmt.Sprint(r.Origin, " ", r.Request.Subject.ID, " ", r.Decision.Reason, " ", r.Revision, " ", r.Took))
}

func (m *recorder) Refused(o door.Origin, at time.Time, status int) {
	m.told = append(m.told, fmt.Sprint(o, " ", at.Unix(), " ", status))
}

// rig is an asker whose clock goes on by a second whenever it is looked at, from
// 100 on.
type rig struct {
	core     core
	meter    meter
	recorder recorder
	asker    door.Asker
}

func newRig() *rig {
	r := &rig{core: core{revision: "r"}}
	now := time.Unix(99, 0)
	r.asker = door.Asker{
		Provider: &r.core, Meter: &r.meter, Recorder: &r.recorder,
		Now: func() time.Time { now = now.Add(time.Second); return now },
	}
	return r
}

// shop is where the checks of these tests come from.
func shop() door.Origin {
	return door.Origin{Namespace: "shop", RequestID: "7", Caller: door.Caller{Name: "checkout", Method: "jwt"}}
}

// TestPolicy: whatever is asked of one Policy is decided in its namespace and at
// one moment, timed by the same clock, counted and recorded; an error leaves a
// deny.
func TestPolicy(t *testing.T) {
	r := newRig()
	p, err := r.asker.Policy(shop())
	if err != nil {
		t.Fatal(err)
	}
	var d authz.Decision
	for range 2 {
		q := &authz.Request{Namespace: "elsewhere", Time: time.Unix(1, 0), Subject: authz.Subject{ID: "alice"}}
		if err := p.Check(q, &d); err != nil || !d.Allowed {
			t.Fatalf("decision %+v, error %v", d, err)
		}
	}
	r.core.err = authz.ErrUnknownNamespace
	if err := p.Check(&authz.Request{}, &d); !errors.Is(err, authz.ErrUnknownNamespace) || d.Allowed || len(d.Roles) > 0 {
		t.Errorf("with the error %v the decision is %+v, want a deny", err, d)
	}
	p.Refused(door.BadRequest("no question"))
	if got := p.Caller(); got != shop().Caller {
		t.Errorf("caller %v, want %v", got, shop().Caller)
	}
	for name, lists := range map[string][2][]string{
		"asked":   {{"shop 100", "shop 100", "shop 100"}, r.core.seen},
		"counted": {{"Granted 1s", "Granted 1s", "404", "400"}, r.meter.told},
		"recorded": {{
			"{shop 7 {checkout jwt} <nil>} alice Granted r 1s", "{shop 7 {checkout jwt} <nil>} alice Granted r 1s",
			"{shop 7 {checkout jwt} <nil>} 105 404", "{shop 7 {checkout jwt} <nil>} 106 400",
		}, r.recorder.told},
	} {
		if diff := cmp.Diff(lists[0], lists[1]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestEnumerate: what is listed is of the same namespace and moment as what is
// decided; only errors are counted.
func TestEnumerate(t *testing.T) {
	r := newRig()
	p, err := r.asker.Policy(shop())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Held(&authz.Request{}); err == nil {
		t.Error("a policy that lists nothing lists the roles")
	}
	r.asker.Provider = &lister{core: &r.core}
	if p, err = r.asker.Policy(shop()); err != nil {
		t.Fatal(err)
	}
	got, err := p.Permissions(&authz.Request{Namespace: "elsewhere"})
	if want := (authz.Permission{Resource: "shop 101"}); err != nil || !cmp.Equal([]authz.Permission{want}, got) {
		t.Errorf("permissions %v, error %v; want %v", got, err, want)
	}
	if policy, err := p.Export(); err != nil || len(policy.Roles) != 1 || policy.Roles[0].ID != "of shop" {
		t.Errorf("policy %v, error %v; want that of shop", policy, err)
	}
	if _, err := p.Held(&authz.Request{}); !errors.Is(err, authz.ErrUnknownNamespace) {
		t.Errorf("error %v, want %v", err, authz.ErrUnknownNamespace)
	}
	if diff := cmp.Diff([]string{"501", "404"}, r.meter.told); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
}

// lister lists too: when and where it was asked.
type lister struct{ *core }

func (l *lister) Checker() (authz.Checker, error) { return l, nil }

func (*lister) Permissions(r *authz.Request) ([]authz.Permission, error) {
	return []authz.Permission{{Resource: fmt.Sprint(r.Namespace, " ", r.Time.Unix())}}, nil
}

func (*lister) Held(*authz.Request) ([]authz.HeldRole, error) {
	return nil, authz.ErrUnknownNamespace
}

func (*lister) Policy(namespace string) (*authz.Policy, error) {
	return &authz.Policy{Roles: []authz.PolicyRole{{ID: "of " + namespace}}}, nil
}

// gate lets in whoever says the word, and remembers what it was asked.
type gate struct{ asked string }

func (g *gate) Admit(_ context.Context, c door.Credentials, namespace string, p door.Permission) (door.Caller, error) {
	g.asked = namespace + " " + string(p)
	if c.Authorization != "Bearer sesame" {
		return door.Caller{}, &door.Error{Status: http.StatusUnauthorized, Message: "not you"}
	}
	return shop().Caller, nil
}

// TestAdmit: who is let in is the origin's caller; who is not is counted and
// recorded.
func TestAdmit(t *testing.T) {
	r, g := newRig(), &gate{}
	r.asker.Gate = g
	stranger := door.Origin{Namespace: "shop", RequestID: "7"}
	got, err := r.asker.Admit(t.Context(), door.Credentials{Authorization: "Bearer sesame"}, stranger, door.PermissionSearch)
	if err != nil || got != shop() || g.asked != "shop searches" {
		t.Errorf("admitted as %v, error %v; the gate was asked %q", got, err, g.asked)
	}
	got, err = r.asker.Admit(t.Context(), door.Credentials{}, stranger, door.PermissionSearch)
	if status, _ := door.Answer(err); status != http.StatusUnauthorized || got != stranger {
		t.Errorf("a stranger is %v, error %v", got, err)
	}
	if diff := cmp.Diff([]string{"401"}, r.meter.told); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"{shop 7 { } <nil>} 100 401"}, r.recorder.told); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}
}

func TestAnyone(t *testing.T) {
	caller, err := door.Anyone{}.Admit(t.Context(), door.Credentials{Authorization: "Bearer x"}, "shop", door.PermissionCheck)
	if err != nil || caller != (door.Caller{}) {
		t.Errorf("admitted as %v, error %v; want nobody in particular", caller, err)
	}
}

func TestRequestCredentials(t *testing.T) {
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://rolecall/", nil)
	if got := door.RequestCredentials(r); got.Authorization != "" || got.APIKey != "" || got.TLS != r.TLS {
		t.Errorf("credentials of a request without any: %+v", got)
	}
	r.Header.Set("authorization", "Bearer a")
	r.Header.Set("x-api-key", "k")
	if got := door.RequestCredentials(r); got.Authorization != "Bearer a" || got.APIKey != "k" {
		t.Errorf("credentials %+v", got)
	}
	r.Header.Add("Authorization", "Bearer b")
	if got := door.RequestCredentials(r); got.Authorization != "Bearer a, Bearer b" {
		t.Errorf("two headers are %q, want both", got.Authorization)
	}
}

// TestNoPolicy: what ends before there is a policy is counted and recorded too.
func TestNoPolicy(t *testing.T) {
	r := newRig()
	r.core.absent = authz.ErrNotReady
	if _, err := r.asker.Policy(shop()); !errors.Is(err, authz.ErrNotReady) {
		t.Errorf("error %v, want %v", err, authz.ErrNotReady)
	}
	r.asker.Refused(door.Origin{}, &door.Error{Status: http.StatusUnauthorized})
	if diff := cmp.Diff([]string{"503", "401"}, r.meter.told); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"{shop 7 {checkout jwt} <nil>} 100 503", "{  { } <nil>} 101 401"}, r.recorder.told); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}
}

// TestNobodyRecords: a recorder need not be.
func TestNobodyRecords(t *testing.T) {
	r := newRig()
	r.asker.Recorder = nil
	p, err := r.asker.Policy(shop())
	if err != nil {
		t.Fatal(err)
	}
	var d authz.Decision
	if err := p.Check(&authz.Request{}, &d); err != nil {
		t.Fatal(err)
	}
	p.Refused(authz.ErrNotReady)
	if diff := cmp.Diff([]string{"Granted 1s", "503"}, r.meter.told); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
}

func TestRequestID(t *testing.T) {
	w := httptest.NewRecorder()
	if got := door.RequestID(w); got != "" {
		t.Errorf("the id %q, want none", got)
	}
	w.Header().Set("X-Request-ID", "7")
	if got := door.RequestID(w); got != "7" {
		t.Errorf("the id %q, want 7", got)
	}
}
