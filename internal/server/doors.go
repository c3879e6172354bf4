// SPDX-License-Identifier: Apache-2.0

package server

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"mime"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/rolecall/rolecall/internal/door"
)

// maxRequestID is how long an id may be in bytes to be sent back.
const maxRequestID = 256

// retryAfter is the advice, in seconds, that goes with "not ready".
const retryAfter = "1"

// doors answers the endpoints of all doors.
func (s *Server) doors() http.Handler {
	all := &router{leaving: &s.leaving, methods: make(map[string]methods), exact: make(map[string]http.Handler), mux: http.NewServeMux()}
	recorders := &sync.Pool{New: func() any { return new(recorder) }}
	var paths []string
	for _, route := range s.options.Routes {
		all.add(&endpoint{server: s, route: route, recorders: recorders, counter: s.options.Counter(route.Door)})
		paths = append(paths, route.Method+" "+route.Path)
	}
	for path, m := range all.methods {
		all.handle(path, m)
	}
	all.mux.Handle("/", s.nowhere(paths))
	return all
}

// router finds the endpoint of a request, and sends its X-Request-ID back: the
// client's own, or one made up if it has none or an overlong one.
type router struct {
	// exact are the endpoints whose path has no wildcard, which nearly all
	// requests ask for: finding one here costs a tenth of what the mux takes.
	exact map[string]http.Handler
	mux   *http.ServeMux
	// methods are the endpoints of every path.
	methods map[string]methods
	// leaving says that clients are to connect elsewhere for their next request.
	leaving *atomic.Bool
}

// farewell is the value of the header Connection that ends one, over HTTP/2 by a
// GOAWAY.
var farewell = []string{"close"}

// methods are the endpoints of one path, which differ in their method.
type methods []*endpoint

func (t *router) add(e *endpoint) {
	t.methods[e.route.Path] = append(t.methods[e.route.Path], e)
}

// ServeHTTP implements http.Handler. The first endpoint answers what none of them
// takes.
func (m methods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for _, e := range m {
		if e.route.Method == r.Method {
			e.ServeHTTP(w, r)
			return
		}
	}
	allowed := make([]string, len(m))
	for i, e := range m {
		allowed[i] = e.route.Method
	}
	m[0].answer(w, func(rec *recorder) error { return notAllowed(rec, r.Method, allowed) })
}

func (t *router) handle(path string, h http.Handler) {
	t.mux.Handle(path, h)
	if !strings.ContainsAny(path, "{}") {
		t.exact[path] = h
	}
}

// ServeHTTP implements http.Handler.
func (t *router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := r.Header[door.RequestIDHeader]
	if len(id) == 0 || id[0] == "" || len(id[0]) > maxRequestID {
		id = []string{newRequestID()}
	}
	w.Header()[door.RequestIDHeader] = id[:1:1]
	if t.leaving.Load() {
		w.Header()["Connection"] = farewell
	}
	if h := t.exact[r.URL.Path]; h != nil && r.URL.RawPath == "" { // what is escaped is for the mux
		h.ServeHTTP(w, r)
		return
	}
	t.mux.ServeHTTP(w, r)
}

// newRequestID makes up an id that no other request has. It is no secret, so that
// the generator of the runtime, which is seeded by the system, is good enough.
func newRequestID() string {
	var id [16]byte
	binary.NativeEndian.PutUint64(id[:8], rand.Uint64()) //nolint:gosec // no secret
	binary.NativeEndian.PutUint64(id[8:], rand.Uint64()) //nolint:gosec // no secret
	var text [2 * len(id)]byte
	hex.Encode(text[:], id[:])
	return string(text[:])
}

// nowhere answers what no door does, and tells what there is.
func (s *Server) nowhere(paths []string) http.Handler {
	counter := s.options.Counter("")
	slices.Sort(paths)
	body := "no such endpoint; there are:\n" + strings.Join(paths, "\n") + "\n"
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		counter.Answered(http.StatusNotFound)
		text(w, http.StatusNotFound, body)
	})
}

// endpoint wraps a route in what is the same for all.
type endpoint struct {
	server    *Server
	route     door.Route
	counter   Counter
	recorders *sync.Pool
}

// ServeHTTP answers and counts one request. Whatever happens, an answer that is
// not the route's own is a refusal.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.answer(w, func(rec *recorder) error { return e.serve(rec, r) })
}

func (e *endpoint) answer(w http.ResponseWriter, serve func(*recorder) error) {
	rec, _ := e.recorders.Get().(*recorder)
	*rec = recorder{ResponseWriter: w}
	defer func() { e.finish(rec, recover()) }()
	if err := serve(rec); err != nil {
		e.refuse(rec, err)
	}
}

// finish counts a request. If it panicked, for a cause, the panic ends here: with a 500 if
// nothing has been written, else by cutting the connection, so that half an
// answer is not taken for a whole one.
func (e *endpoint) finish(rec *recorder, cause any) {
	if cause == nil {
		e.counter.Answered(cmp.Or(rec.status, http.StatusOK)) // an empty answer is a 200
		*rec = recorder{}
		e.recorders.Put(rec)
		return
	}
	if cause == http.ErrAbortHandler { //nolint:errorlint // a panic's value is not wrapped
		panic(cause)
	}
	e.server.options.Logger.Error(fmt.Errorf("panic: %v", cause), "request failed",
		"door", e.route.Door, "requestID", door.RequestID(rec), "stack", string(debug.Stack()))
	e.counter.Answered(http.StatusInternalServerError)
	if rec.status != 0 {
		panic(http.ErrAbortHandler)
	}
	e.route.Refuse(rec.ResponseWriter, http.StatusInternalServerError, "internal error; there is no decision")
}

func notAllowed(w http.ResponseWriter, method string, allowed []string) error {
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	return &door.Error{
		Status:  http.StatusMethodNotAllowed,
		Message: fmt.Sprintf("the method %s is not allowed here; use %s", method, strings.Join(allowed, " or ")),
	}
}

func (e *endpoint) serve(w *recorder, r *http.Request) error {
	if e.route.Bodiless {
		return e.route.Serve(w, r)
	}
	if err := e.checkBody(r); err != nil {
		return err
	}
	if r.ContentLength < 0 { // one of known length has been looked at, and ends there
		r.Body = http.MaxBytesReader(w.ResponseWriter, r.Body, e.server.options.Config.Limits.RequestBytes)
	}
	return e.route.Serve(w, r)
}

// checkBody looks at what the headers say of the body.
func (e *endpoint) checkBody(r *http.Request) error {
	if limit := e.server.options.Config.Limits.RequestBytes; r.ContentLength > limit {
		return door.TooLong(limit)
	}
	if want := e.route.MediaType; want != "" && !hasMediaType(r.Header, want) {
		return door.BadRequest(fmt.Sprintf("the Content-Type is %q and must be %s", r.Header.Get("Content-Type"), want))
	}
	if coding := r.Header["Content-Encoding"]; len(coding) > 0 && !strings.EqualFold(coding[0], "identity") {
		return door.BadRequest(fmt.Sprintf("the Content-Encoding %q is not supported; send the body as it is", coding[0]))
	}
	return nil
}

func hasMediaType(h http.Header, want string) bool {
	values := h["Content-Type"]
	if len(values) != 1 {
		return false
	}
	if values[0] == want {
		return true // nearly all, without parsing
	}
	got, _, err := mime.ParseMediaType(values[0])
	return err == nil && got == want
}

// refuse answers an error as the door does. The log hears only of the server's
// own faults.
func (e *endpoint) refuse(w *recorder, err error) {
	status, message := door.Answer(err)
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", retryAfter)
	}
	if e, ok := errors.AsType[*door.Error](err); ok && e.Challenge != "" {
		w.Header().Set("WWW-Authenticate", e.Challenge)
	}
	if status == http.StatusInternalServerError {
		e.server.options.Logger.Error(err, "request failed", "door", e.route.Door, "requestID", door.RequestID(w))
	}
	e.route.Refuse(w, status, message)
}

// recorder remembers the status of an answer; 0 until there is one.
type recorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= http.StatusOK {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter {
	return r.ResponseWriter
}
