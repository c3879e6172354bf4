// SPDX-License-Identifier: Apache-2.0

package forwardauth_test

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/wire/forwardauth"
)

// sent is a request as a client sends it to a gateway, and who the gateway knows the
// client to be; empty if it does not.
type sent struct{ method, host, uri, user string }

// program is a gateway: whom it asks about, and the headers that it sets, whatever
// the client has sent under their names.
type program struct {
	namespace string
	// appends says that it adds the client's address to X-Forwarded-For, and adds that
	// it does so with all that it sets, which is a mistake.
	appends, adds bool
	sets          func(s sent) []field
}

// client is the address that a gateway sees.
const client = "198.51.100.7"

func forwards(s sent) []field {
	return []field{{"X-Forwarded-Method", s.method}, {"X-Forwarded-Host", s.host}, {"X-Forwarded-Uri", s.uri}}
}

// programs are the gateways of the documentation, by what they do and not by name
// where they do the same.
var programs = []program{
	{namespace: "forwarded", sets: forwards}, // Caddy, and nginx as it is configured
	{namespace: "forwarded", sets: func(s sent) []field { // Traefik
		return append(forwards(s), field{"X-Forwarded-Proto", "https"}, field{"X-Forwarded-Server", "edge"}, field{"X-Real-Ip", client})
	}},
	{namespace: "forwarded", sets: forwards, appends: true}, // those behind a balancer
	{namespace: "forwarded", sets: forwards, appends: true, adds: true},
	{namespace: "original", sets: func(s sent) []field { // ingress-nginx
		return []field{{"X-Original-Method", s.method}, {"X-Original-URL", "https://" + s.host + s.uri}, {"X-Scheme", "https"}}
	}},
}

// passOn returns all that a gateway sends to Rolecall.
func (p *program) passOn(s sent, lines string) []field {
	own := p.sets(s)
	names := []string{"X-User"}
	if !p.adds {
		names = append(names, namesOf(own)...)
	}
	forwardedFor := "X-Forwarded-For"
	if !p.appends {
		names = append(names, forwardedFor)
	}
	all := append(fields(lines, names...), own...)
	all = append(all, field{forwardedFor, client})
	if s.user != "" {
		all = append(all, field{"x-user", s.user})
	}
	return all
}

// FuzzOriginalRequest: what a gateway asks about is what a client has sent to it,
// whatever headers the client adds; conditions see those on the list, and no other;
// and who is no gateway changes nothing.
func FuzzOriginalRequest(f *testing.F) {
	const lines = "X-Forwarded-Uri: /admin\nX-Original-URL: http://x/admin\nX-User: root\nX-Forwarded-For: 203.0.113.1\nx-plan: a\nX-PLAN: b"
	for n := range programs {
		f.Add(uint8(n), "GET", "app.example.com:8443", "/documents/7?x=/1", "ann", lines, "X-Plan,User-Agent")
		f.Add(uint8(n), "POST", "", "//a/../%2e?", "", "X-Forwarded-Method: GET\nx-forwarded-host: h\nx_forwarded_uri: /", "X-Forwarded-Host,X-Real-Ip,x-user")
		f.Add(uint8(n), "OPTIONS", "h", "*", "élan %", "Forwarded: for=10.0.0.1\nX-HTTP-Method-Override: PUT", "")
	}
	f.Fuzz(func(t *testing.T, n uint8, method, host, uri, user, lines, list string) {
		s := sent{method, host, uri, user}
		if !s.possible() {
			return
		}
		p := &programs[int(n)%len(programs)]
		all, names := p.passOn(s, lines), contextHeaders(list)
		in := overWire(t, p.namespace, all)
		var nobody spy
		in.RemoteAddr = "192.0.2.9:4711"
		if status := nobody.answer(in, names).Code; status != http.StatusForbidden || len(nobody.requests)+len(nobody.checks) != 0 {
			t.Errorf("a stranger hears %d, and %+v was asked", status, nobody)
		}
		var asked spy
		in.RemoteAddr = "10.1.2.3:4711"
		got := asked.answer(in, names)
		twice := len(fields(lines, namesOf(p.sets(s))...)) < len(fields(lines)) && p.adds
		if method == "" || uri == "" || host == "" || p.namespace == "original" && !strings.HasPrefix(uri, "/") || twice {
			if got.Code != http.StatusBadRequest || len(asked.requests)+len(asked.checks) != 0 {
				t.Errorf("what is not said is guessed: answered with %d, and %+v was asked", got.Code, asked)
			}
			return
		}
		path, _, _ := strings.Cut(uri, "?")
		if diff := cmp.Diff([]authz.HTTPRequest{{Method: method, Host: host, Path: path}}, asked.requests); diff != "" {
			t.Errorf("the request asked about (-want +got):\n%s", diff)
		}
		context := map[string]any{"method": method, "path": path, "host": host, "source_address": client, "headers": seen(names, all)}
		subject := authz.Subject{Type: "anonymous", ID: "anonymous"}
		if user != "" {
			subject = authz.Subject{Type: "user", ID: user}
		}
		want := []authz.Request{{Namespace: p.namespace, Subject: subject, Action: authz.Action{Name: "read"}, Resource: authz.Resource{Type: "document"}, Context: context}}
		if diff := cmp.Diff(want, asked.checks, cmpopts.IgnoreFields(authz.Request{}, "Time"), cmpopts.EquateComparable()); diff != "" {
			t.Errorf("the check (-want +got):\n%s", diff)
		}
		if id, err := url.PathUnescape(got.Header().Get("X-Rolecall-Subject")); err != nil || id != subject.ID || got.Code != http.StatusOK {
			t.Errorf("the application hears of %q, %v, with %d", id, err, got.Code)
		}
	})
}

// namesOf are the names of all.
func namesOf(all []field) []string {
	var names []string
	for _, f := range all {
		names = append(names, f.name)
	}
	return names
}

// possible reports whether a gateway can have it so: it has read it from lines of its
// own.
func (s sent) possible() bool {
	for _, text := range []string{s.method, s.host, s.uri} {
		if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			return false
		}
	}
	return !strings.ContainsAny(s.host, "/?#") && strings.TrimSpace(s.user) == s.user && len(fields("a:"+s.user)) == 1 && !strings.Contains(s.user, "\n")
}

// contextHeaders are names that a configuration can list.
func contextHeaders(list string) []string {
	var names []string
	for name := range strings.SplitSeq(list, ",") {
		if headerName(name) && !among(name, []string{"Authorization", "Cookie", "Host"}) {
			names = append(names, name)
		}
	}
	return names
}

// overWire returns a request of a gateway as net/http reads it.
func overWire(t *testing.T, namespace string, all []field) *http.Request {
	t.Helper()
	var b strings.Builder
	b.WriteString("GET /ns/" + namespace + "/forward-auth HTTP/1.1\r\nHost: rolecall\r\n")
	for _, f := range all {
		b.WriteString(f.name + ": " + f.value + "\r\n")
	}
	in, err := http.ReadRequest(bufio.NewReader(strings.NewReader(b.String() + "\r\n")))
	if err != nil {
		t.Fatalf("%q: %v", b.String(), err)
	}
	in.SetPathValue("namespace", namespace)
	return in
}

// answer has the door for gateways that ask over HTTP answer a request.
func (s *spy) answer(in *http.Request, names []string) *httptest.ResponseRecorder {
	out := httptest.NewRecorder()
	route := forwardauth.Routes(forwardauth.Options{Gateways: s.gateways(names), Original: map[string]bool{"original": true}})[1]
	if err := route.Serve(out, in); err != nil {
		status, message := door.Answer(err)
		route.Refuse(out, status, message)
	}
	return out
}
