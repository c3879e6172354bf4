// SPDX-License-Identifier: Apache-2.0

package proxies

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// configurations are what docs/gateways.md shows.
const configurations = "../../hack/proxies"

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(configurations, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// adapted returns a configuration with the addresses of a test in the place of those
// that it shows.
func adapted(t *testing.T, name, address, server, application string) string {
	t.Helper()
	return strings.NewReplacer("127.0.0.1:8000", address, "127.0.0.1:8080", server, "127.0.0.1:3000", application).Replace(read(t, name))
}

// application is what is behind a proxy: it lets everybody do everything, and
// remembers it.
type application struct {
	address string

	mu    sync.Mutex
	calls []call
}

type call struct {
	method, body string
	header       http.Header
}

func startApplication(t *testing.T) *application {
	t.Helper()
	a := &application{}
	s := httptest.NewServer(a)
	t.Cleanup(s.Close)
	a.address = s.Listener.Addr().String()
	return a
}

// ServeHTTP implements http.Handler.
func (a *application) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // what is missing is seen
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = append(a.calls, call{r.Method, string(body), r.Header})
}

func (a *application) served() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.calls)
}

func (a *application) last() call {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.calls[len(a.calls)-1]
}

// ask sends a request as it is, and returns what became of it and the headers of the
// answer.
func (a *application) ask(t *testing.T, address string, r request) (want, http.Header) {
	t.Helper()
	in, err := http.NewRequestWithContext(t.Context(), r.method, "http://"+address, strings.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	in.URL = &url.URL{Scheme: "http", Host: address, Opaque: r.path}
	for i := 0; i < len(r.headers); i += 2 {
		in.Header.Set(r.headers[i], r.headers[i+1])
	}
	if in.Header.Get("User-Agent") == "" {
		in.Header.Set("User-Agent", "test/1")
	}
	before := a.served()
	out, err := http.DefaultTransport.RoundTrip(in)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Body.Close() }()
	if _, err := io.Copy(io.Discard, out.Body); err != nil {
		t.Fatal(err)
	}
	got := want{status: out.StatusCode}
	if a.served() == before {
		return got, out.Header
	}
	seen := a.last()
	if seen.body != r.body || seen.method != r.method {
		t.Errorf("%s %s: the application got %s with %d bytes", r.method, r.path, seen.method, len(seen.body))
	}
	got.subject, got.typ, got.role = seen.header.Get("X-Rolecall-Subject"), seen.header.Get("X-Rolecall-Subject-Type"), seen.header.Get("X-Rolecall-Roles")
	return got, out.Header
}
