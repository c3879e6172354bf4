// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/door"
)

func TestEndpoints(t *testing.T) {
	text := textHeader()
	with := func(name, value string) http.Header {
		h := textHeader()
		h.Set(name, value)
		return h
	}
	tests := map[string]struct {
		method, path, body string
		header             http.Header
		status             int
		want               string
	}{
		"what the route takes": {method: "POST", path: "/echo", body: "x", header: text, status: 200, want: "x"},
		"another method": {
			method: "GET", path: "/echo", header: text, status: 405, want: "refused: the method GET is not allowed here; use POST",
		},
		"another media type": {
			method: "POST", path: "/echo", header: with("Content-Type", "text/html"), status: 400,
			want: `refused: the Content-Type is "text/html" and must be text/plain`,
		},
		"a compressed body": {
			method: "POST", path: "/echo", header: with("Content-Encoding", "gzip"), status: 400,
			want: `refused: the Content-Encoding "gzip" is not supported; send the body as it is`,
		},
		"a body that is not compressed, and says so": {
			method: "POST", path: "/echo", body: "x", header: with("Content-Encoding", "identity"), status: 200, want: "x",
		},
		"a body as long as may be": {
			method: "POST", path: "/echo", body: strings.Repeat("x", 1024), header: text, status: 200, want: strings.Repeat("x", 1024),
		},
		"a longer body": {
			method: "POST", path: "/echo", body: strings.Repeat("x", 1025), header: text, status: 413,
			want: "refused: the body is longer than the 1024 bytes that this server takes; ask less at once",
		},
		"no such endpoint": {
			method: "POST", path: "/ecko", header: text, status: 404,
			want: "no such endpoint; there are:\nPOST /echo\nPOST /fail\nPOST /panic\n",
		},
		"below an endpoint": {
			method: "POST", path: "/echo/", header: text, status: 404,
			want: "no such endpoint; there are:\nPOST /echo\nPOST /fail\nPOST /panic\n",
		},
		"an error of the server's": {
			method: "POST", path: "/fail", header: text, status: 500, want: "refused: internal error; there is no decision",
		},
		"a panic": {
			method: "POST", path: "/panic", header: text, status: 500, want: "refused: internal error; there is no decision",
		},
	}
	r := newRig(t, configure(func(c *configv1alpha1.ServerConfiguration) { c.Limits.RequestBytes = 1024 }),
		echo(),
		echo(func(r *door.Route) {
			r.Path = "/fail"
			r.Serve = func(http.ResponseWriter, *http.Request) error { return errors.New("a secret") }
		}),
		echo(func(r *door.Route) {
			r.Path = "/panic"
			r.Serve = func(http.ResponseWriter, *http.Request) error { panic("a secret") }
		}),
	).run(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			header := tt.header.Clone()
			header.Set("X-Request-ID", "id of "+tt.path)
			a := do(t, tt.method, "http://"+r.HTTP+tt.path, tt.body, header)
			if a.status != tt.status || a.body != tt.want {
				t.Errorf("answer %d %q, want %d %q", a.status, a.body, tt.status, tt.want)
			}
			if got := a.header.Get("X-Request-ID"); got != "id of "+tt.path {
				t.Errorf("X-Request-ID %q, want that of the request", got)
			}
			if allow := a.header.Get("Allow"); (allow == "POST") != (tt.status == http.StatusMethodNotAllowed) {
				t.Errorf("answer %d has Allow %q", a.status, allow)
			}
		})
	}
}

func TestABodyWithoutALengthIsBoundedToo(t *testing.T) {
	r := newRig(t, configure(func(c *configv1alpha1.ServerConfiguration) { c.Limits.RequestBytes = 1024 }), echo()).run(t)
	for length, want := range map[int]int{1024: http.StatusOK, 1025: http.StatusRequestEntityTooLarge, 1 << 20: http.StatusRequestEntityTooLarge} {
		body := io.MultiReader(strings.NewReader(strings.Repeat("x", length))) // hides the length
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.HTTP+"/echo", body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "text/plain")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%d bytes are answered with %d, want %d", length, resp.StatusCode, want)
		}
	}
}

func TestRequestID(t *testing.T) {
	r := newRig(t, configure(), echo()).run(t)
	send := func(ids ...string) string {
		header := textHeader()
		header["X-Request-Id"] = ids
		a := do(t, http.MethodPost, "http://"+r.HTTP+"/echo", "", header)
		if n := len(a.header.Values("X-Request-ID")); n != 1 {
			t.Errorf("%d ids came back, want one", n)
		}
		return a.header.Get("X-Request-ID")
	}
	longest := strings.Repeat("x", 256)
	if got := send(longest); got != longest {
		t.Errorf("an id of 256 bytes came back as %q", got)
	}
	if got := send("first", "second"); got != "first" {
		t.Errorf("of two ids %q came back, want the first", got)
	}
	for name, ids := range map[string][]string{"no id": nil, "an empty id": {""}, "an overlong id": {longest + "x"}} {
		if one, two := send(ids...), send(ids...); one == "" || len(one) > 64 || one == two {
			t.Errorf("for %s, %q and %q were made up; want two different ones", name, one, two)
		}
	}
}

// TestHalfAnAnswerIsCutOff: after a panic in the middle of an answer the client
// sees an error, not a whole answer that happens to be short.
func TestHalfAnAnswerIsCutOff(t *testing.T) {
	r := newRig(t, configure(), echo(func(r *door.Route) {
		r.Serve = func(w http.ResponseWriter, _ *http.Request) error {
			_, _ = io.WriteString(w, strings.Repeat("x", 10_000))
			panic("on purpose")
		}
	})).run(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.HTTP+"/echo", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "text/plain")
	resp, err := http.DefaultClient.Do(req)
	if err == nil {
		_, err = io.ReadAll(resp.Body)
		_ = resp.Body.Close()
	}
	if err == nil {
		t.Error("the answer came whole")
	}
}

func TestAnswersAreCounted(t *testing.T) {
	r := newRig(t, configure(), echo(), echo(func(r *door.Route) {
		r.Path = "/panic"
		r.Serve = func(http.ResponseWriter, *http.Request) error { panic("on purpose") }
	})).run(t)
	for _, path := range []string{"/echo", "/echo", "/panic", "/nowhere"} {
		do(t, http.MethodPost, "http://"+r.HTTP+path, "", textHeader())
	}
	do(t, http.MethodGet, "http://"+r.HTTP+"/echo", "", nil)
	r.stop()
	if err := <-r.ended; err != nil {
		t.Error(err)
	}
	want := map[string]int{"echo 200": 2, "echo 405": 1, "echo 500": 1, " 404": 1}
	if diff := cmp.Diff(want, r.counter.counts); diff != "" {
		t.Errorf("answers by door and status (-want +got):\n%s", diff)
	}
}

func TestAnOverlongHeadIsRefused(t *testing.T) {
	r := newRig(t, configure(func(c *configv1alpha1.ServerConfiguration) { c.Limits.HeaderBytes = 4096 }), echo()).run(t)
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", r.HTTP)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	head := "POST /echo HTTP/1.1\r\nHost: x\r\nX-Long: " + strings.Repeat("x", 16<<10) + "\r\n\r\n"
	if _, err := io.WriteString(conn, head); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.Contains(line, "431") {
		t.Errorf("answer %q, %v; want 431", line, err)
	}
}
