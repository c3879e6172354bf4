// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/rolecall/rolecall/internal/server"
	"github.com/rolecall/rolecall/internal/testkit/served"
	"github.com/rolecall/rolecall/internal/wire/cerbos/cerbospb"
)

// narrow and impatient are limits and times that hostile requests reach soon, and
// neighbours never. Patient are times that nobody reaches, however busy the machine is.
const (
	narrow = `
limits: {requestBytes: 65536, headerBytes: 8192, concurrentStreams: 50}
`
	impatient = `
timeouts: {readHeader: 2s, read: 2s, write: 3s, idle: 2s}
`
	patient = `
timeouts: {readHeader: 10m, read: 10m, write: 10m, idle: 10m}
`
)

// The project that asks at the door for Stytch's clients, which lets in nobody else.
const (
	project    = "project-test-1"
	projectKey = "secret-test-11111111111111111111"
	byProject  = `
callers: {apiKeys: [{id: %[1]s, keyFile: %[2]q, namespaces: [default], permissions: [checks]}]}
stytch: {projects: [{id: %[1]s, namespace: default}]}
`
	// sessions is the endpoint.
	sessions = "POST /v1/b2b/sessions/authenticate"
)

// mostHeap bounds the heap while everybody is hostile, in bytes: some attackers send
// as fast as they can for as long as they may.
const mostHeap = 256 << 20

// endpoints are of every door over HTTP: a method and a path.
var endpoints = []string{
	"POST /access/v1/evaluation", "POST /access/v1/evaluations", "POST /access/v1/search/subject", "POST /access/v1/search/resource",
	"POST /access/v1/search/action", "POST /access/v1/explanation", "POST /permissions/v1/subject",
	"POST /apis/authorization.k8s.io/v1/subjectaccessreviews", "POST /apis/authorization.k8s.io/v1beta1/subjectaccessreviews",
	"POST /api/check/resources", "POST /api/v1/applications/a-1/authz/check", "POST /api/v1/applications/a-1/authz/check-bulk",
	sessions, "GET /forward-auth",
}

// attack sends something hostile to an endpoint, until it is done or cannot send any
// more.
type attack func(c *net.TCPConn, endpoint string)

// head begins a request.
func head(endpoint, more string) string {
	credentials := base64.StdEncoding.EncodeToString([]byte(project + ":" + projectKey))
	return endpoint + " HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nAuthorization: Basic " + credentials + "\r\n" + more
}

func send(c net.Conn, parts ...string) {
	for _, part := range parts {
		if _, err := io.WriteString(c, part); err != nil {
			return
		}
	}
}

// body sends a whole request.
func body(text, more string) attack {
	return func(c *net.TCPConn, endpoint string) {
		send(c, head(endpoint, more+fmt.Sprintf("Content-Length: %d\r\n\r\n", len(text)))+text)
	}
}

// forEver sends a part again and again.
func forEver(c net.Conn, part string) {
	for {
		if _, err := io.WriteString(c, part); err != nil {
			return
		}
	}
}

func attacks(tb testing.TB) map[string]attack {
	var keys strings.Builder
	for i := range 4000 {
		fmt.Fprintf(&keys, `"k%d":{},`, i)
	}
	return map[string]attack{
		"nothing at all":           func(*net.TCPConn, string) {},
		"a head that ends nowhere": func(c *net.TCPConn, e string) { send(c, head(e, "X-A: ")) },
		"a head without an end":    func(c *net.TCPConn, e string) { send(c, head(e, "")); forEver(c, "X-A: b\r\n") },
		"a header without an end":  func(c *net.TCPConn, e string) { send(c, head(e, "X-A: ")); forEver(c, strings.Repeat("x", 4096)) },
		"a huge header":            body("{}", "X-A: "+strings.Repeat("x", 1<<20)+"\r\n"),
		"a body that stops":        func(c *net.TCPConn, e string) { send(c, head(e, "Content-Length: 1000\r\n\r\n"), `{"subject":`) },
		"a body of a piece at a time": func(c *net.TCPConn, e string) {
			send(c, head(e, "Transfer-Encoding: chunked\r\n\r\n"))
			forEver(c, "1\r\n \r\n")
		},
		"a body in pieces that is too long": func(c *net.TCPConn, e string) {
			send(c, head(e, "Transfer-Encoding: chunked\r\n\r\n")+"10001\r\n"+strings.Repeat(" ", 0x10001)+"\r\n0\r\n\r\n")
		},
		"a body without an end": func(c *net.TCPConn, e string) {
			send(c, head(e, "Transfer-Encoding: chunked\r\n\r\n"))
			forEver(c, "1000\r\n"+strings.Repeat(" ", 0x1000)+"\r\n")
		},
		"a chunk without an end": func(c *net.TCPConn, e string) {
			send(c, head(e, "Transfer-Encoding: chunked\r\n\r\nffffffffff\r\n"))
			forEver(c, strings.Repeat(" ", 4096))
		},
		"a huge body": func(c *net.TCPConn, e string) {
			send(c, head(e, "Content-Length: 1099511627776\r\n\r\n"))
			forEver(c, strings.Repeat(" ", 4096))
		},
		"a huge body that is announced": func(c *net.TCPConn, e string) { send(c, head(e, "Content-Length: 1099511627776\r\n\r\n")) },
		"a body that ends early": func(c *net.TCPConn, e string) {
			send(c, head(e, "Content-Length: 1000\r\n\r\n"), `{"subject":`)
			_ = c.CloseWrite()
		},
		"two lengths":               body("{}", "Content-Length: 20\r\n"),
		"half an object":            body(`{"subject":{"type":"user","id":"alice"},`, ""),
		"no text":                   body("\xff\xfe{}", ""),
		"a very deep body":          body(strings.Repeat("[", 60_000), ""),
		"a very deep object":        body(strings.Repeat(`{"a":`, 10_000), ""),
		"a deep body that is whole": body(`{"context":`+strings.Repeat("[", 30_000)+strings.Repeat("]", 30_000)+"}", ""),
		"thousands of keys":         body(`{"context":{`+keys.String()+`"z":1},`+keys.String()+`"z":1}`, ""),
		"the same key again":        body(`{`+strings.Repeat(`"subject":{},`, 4000)+`"z":1}`, ""),
		"a huge number":             body(`{"context":{"n":1`+strings.Repeat("0", 60_000)+`}}`, ""),
		"a body that is no JSON":    body("a=b&c=d", ""),
		"a bomb":                    body(zipped(tb, 64<<20), "Content-Encoding: gzip\r\n"),
		"an unknown coding":         body("{}", "Content-Encoding: br, gzip\r\n"),
		"no HTTP":                   func(c *net.TCPConn, _ string) { forEver(c, "\x16\x03\x01\x02\x00\x01\x00") },
		"HTTP/2 where there is none": func(c *net.TCPConn, _ string) {
			send(c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
		},
		"a reset": func(c *net.TCPConn, e string) {
			send(c, head(e, "Content-Length: 1000\r\n\r\n"), `{"subject":`)
			_ = c.SetLinger(0)
			_ = c.Close()
		},
		"many requests at once": func(c *net.TCPConn, e string) { forEver(c, head(e, "Content-Length: 2\r\n\r\n{}")) },
	}
}

// answered are the attacks that are answered, and with what status by every door that
// reads a body: they come whole, or have said enough and wait.
var answered = map[string]int{
	"half an object": http.StatusBadRequest, "no text": http.StatusBadRequest, "a very deep body": http.StatusBadRequest,
	"a very deep object": http.StatusBadRequest, "a deep body that is whole": http.StatusBadRequest,
	"the same key again": http.StatusBadRequest, "a body that is no JSON": http.StatusBadRequest, "a huge number": http.StatusBadRequest,
	"an unknown coding": http.StatusBadRequest, "a bomb": http.StatusBadRequest, "two lengths": http.StatusBadRequest,
	"a body that ends early": http.StatusBadRequest, "HTTP/2 where there is none": http.StatusBadRequest,
	"thousands of keys": http.StatusRequestEntityTooLarge, "a huge body that is announced": http.StatusRequestEntityTooLarge,
	"a body in pieces that is too long": http.StatusRequestEntityTooLarge,
}

// interrupted are the attacks that the server answers while they still send, and with
// what statuses: where the head was cut decides. Because something that has been sent
// is never read, TCP resets the connection, which can take the answer with it: then the
// attacker hears nothing. All that are named neither here nor above stop, or are slow:
// the server gives them up when their time is over, and net/http closes the connection
// without a word.
var interrupted = map[string][]int{
	"a huge body": {http.StatusRequestEntityTooLarge}, "a body without an end": {http.StatusRequestEntityTooLarge},
	"a chunk without an end": {http.StatusRequestEntityTooLarge},
	"a huge header":          {http.StatusRequestHeaderFieldsTooLarge}, "a header without an end": {http.StatusRequestHeaderFieldsTooLarge},
	"a head without an end": {http.StatusRequestHeaderFieldsTooLarge, http.StatusBadRequest},
	"no HTTP":               {http.StatusRequestHeaderFieldsTooLarge, http.StatusBadRequest},
	"many requests at once": {http.StatusBadRequest},
}

// fitting reports whether an attack may hear a status; 0 is that it hears nothing.
func fitting(name, endpoint string, status int) bool {
	want, sure := answered[name]
	statuses, cut := interrupted[name]
	switch {
	case status == 0:
		return !sure
	case strings.HasPrefix(endpoint, "GET "): // reads no body, and finds something else
		return status >= 400 && status < 500
	case sure:
		return status == want
	case cut:
		return slices.Contains(statuses, status)
	}
	return status >= 400 && status < 500
}

// zipped are so many zeros, compressed.
func zipped(tb testing.TB, n int) string {
	tb.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.CopyN(w, zeros{}, int64(n)); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

// TestHostileRequests: a huge, malformed or endless request at any door costs its own
// connection only. It is refused; memory stays bounded; and meanwhile every neighbour
// gets the right answer, over HTTP and gRPC. The server has time for them: what is
// wrong is not that they are slow.
func TestHostileRequests(t *testing.T) {
	hostile(t, patient, func(name string) bool { return answered[name] != 0 || interrupted[name] != nil })
}

// TestHostileConnections is TestHostileRequests with requests that are slow, or never
// come whole. They end, with a refusal or none.
func TestHostileConnections(t *testing.T) {
	hostile(t, impatient, func(name string) bool { return answered[name] == 0 && interrupted[name] == nil })
}

// hostile sends some of the attacks to every endpoint of a server that has such
// patience.
func hostile(t *testing.T, patience string, meant func(name string) bool) {
	t.Helper()
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(projectKey), 0o600); err != nil {
		t.Fatal(err)
	}
	at, vendor := startNarrow(t, patience), startNarrow(t, patience+fmt.Sprintf(byProject, project, key))
	n := newNeighbour(t, at)
	var all sync.WaitGroup
	for name, attack := range attacks(t) {
		if !meant(name) {
			continue
		}
		for _, endpoint := range endpoints {
			address := at.HTTP
			if endpoint == sessions {
				address = vendor.HTTP
			}
			all.Go(func() {
				if status, err := suffer(address, endpoint, attack); err != nil || !fitting(name, endpoint, status) {
					t.Errorf("%s to %s: status %d, error %v; want %d, or one of %v", name, endpoint, status, err, answered[name], interrupted[name])
				}
			})
		}
	}
	n.during(t, &all)
}

func startNarrow(t *testing.T, more string) server.Addresses {
	t.Helper()
	return served.Start(t, served.Options{Manifests: doorsPolicy, Configuration: doorsConfiguration + narrow + more})
}

// suffer attacks, and returns the status of the answer once the server has answered;
// 0 if it closes the connection without.
func suffer(address, endpoint string, a attack) (int, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return 0, err
	}
	c := conn.(*net.TCPConn) //nolint:forcetypeassert // it is one
	defer func() { _ = c.Close() }()
	var sending sync.WaitGroup
	sending.Go(func() { a(c, endpoint) })
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	_ = c.Close()
	sending.Wait()
	if err != nil {
		return 0, nil // that is the answer
	}
	_ = resp.Body.Close()
	return resp.StatusCode, nil
}

// neighbour is a client that does nothing wrong.
type neighbour struct {
	url  string
	grpc cerbospb.CerbosServiceClient
	in   *cerbospb.CheckResourcesRequest
}

func newNeighbour(t *testing.T, at server.Addresses) *neighbour {
	t.Helper()
	n := &neighbour{url: "http://" + at.HTTP, grpc: cerbospb.NewCerbosServiceClient(connect(t, at.GRPC)), in: &cerbospb.CheckResourcesRequest{}}
	if err := protojson.Unmarshal([]byte(httpDoors()["cerbos"].body), n.in); err != nil {
		t.Fatal(err)
	}
	n.ask(t)
	return n
}

func (n *neighbour) ask(t *testing.T) {
	t.Helper()
	d := httpDoors()["authzen"]
	if a := served.Post(t, n.url+d.path, d.body); a.Status != http.StatusOK || !strings.HasPrefix(a.Body, d.want) {
		t.Errorf("a neighbour over HTTP hears %d %s, want %s", a.Status, a.Body, d.want)
	}
	out, err := n.grpc.CheckResources(t.Context(), n.in)
	if err != nil || out.GetResults()[0].GetActions()["read"] != cerbospb.Effect_EFFECT_ALLOW {
		t.Errorf("a neighbour over gRPC hears %v, error %v", out, err)
	}
}

// during asks until all are done, and looks at the heap.
func (n *neighbour) during(t *testing.T, all *sync.WaitGroup) {
	t.Helper()
	var done atomic.Bool
	go func() {
		all.Wait()
		done.Store(true)
	}()
	heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	peak := uint64(0)
	for asked := 0; !done.Load() || asked == 0; asked++ {
		n.ask(t)
		metrics.Read(heap)
		peak = max(peak, heap[0].Value.Uint64())
	}
	n.ask(t)
	if peak > mostHeap {
		t.Errorf("the heap grew to %d bytes, want at most %d", peak, mostHeap)
	}
}
