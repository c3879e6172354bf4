// SPDX-License-Identifier: Apache-2.0

package faultproxy

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"time"
)

// The verbs of requests that faults tell apart.
const (
	VerbList  = "list"
	VerbWatch = "watch"
	// VerbStatus is a write of an object's status.
	VerbStatus = "status"
	VerbOther  = "other"
)

// Request says what a request is about; an empty field stands for all.
type Request struct {
	Verb string
	// Resource is the plural of the kind, such as rolebindings.
	Resource string
}

func requestOf(r *http.Request) Request {
	switch last := path.Base(r.URL.Path); {
	case last == "status" && r.Method != http.MethodGet:
		return Request{VerbStatus, path.Base(path.Dir(path.Dir(r.URL.Path)))}
	case r.Method != http.MethodGet:
		return Request{Verb: VerbOther}
	case r.URL.Query().Get("watch") != "":
		return Request{VerbWatch, last}
	case r.URL.Query().Has("limit") || r.URL.Query().Has("resourceVersion"):
		return Request{VerbList, last}
	}
	return Request{Verb: VerbOther}
}

func (q Request) matches(r Request) bool {
	return (q.Verb == "" || q.Verb == r.Verb) && (q.Resource == "" || q.Resource == r.Resource)
}

// Fault is what becomes of some requests.
type Fault struct {
	On Request
	// Times is how many requests it spoils; 0 is all until it ends.
	Times int
	// Do answers a request, or does not.
	Do func(Exchange)

	hits  int
	over  <-chan struct{}
	stale map[string][]byte
}

// Exchange is a request to be answered.
type Exchange struct {
	w      http.ResponseWriter
	r      *http.Request
	fault  *Fault
	passOn http.Handler
}

// Refuse ends the request without an answer.
func Refuse(Exchange) { panic(http.ErrAbortHandler) }

// Status answers with an error of the API server's.
func Status(code int, reason string) func(Exchange) {
	return func(x Exchange) {
		x.w.Header().Set("Content-Type", "application/json")
		x.w.WriteHeader(code)
		_, _ = fmt.Fprintf(x.w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":%q,"code":%d,"message":"a fault of a test's"}`, reason, code)
	}
}

// Hang answers nothing for as long as the fault lasts, and then as Refuse.
func Hang(x Exchange) {
	select {
	case <-x.fault.over:
	case <-x.r.Context().Done():
	}
	Refuse(x)
}

// Slow passes a request on after a while.
func Slow(d time.Duration) func(Exchange) {
	return func(x Exchange) {
		ctx, cancel := context.WithTimeout(x.r.Context(), d)
		defer cancel()
		<-ctx.Done()
		x.passOn.ServeHTTP(x.w, x.r)
	}
}

// Stale answers a list as it was last answered before the fault began: as a server
// that is behind. What was never listed is passed on.
func Stale(x Exchange) {
	body, ok := x.fault.stale[x.r.URL.Path]
	if !ok {
		x.passOn.ServeHTTP(x.w, x.r)
		return
	}
	x.w.Header().Set("Content-Type", "application/json")
	_, _ = x.w.Write(body)
}

// Garbage answers with what is not JSON, as a portal of a network does.
func Garbage(x Exchange) {
	x.w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(x.w, "<html>}{ sign in first </html>\n")
}

// Half passes on an answer up to a number of bytes, and breaks off.
func Half(bytes int) func(Exchange) {
	return func(x Exchange) {
		x.passOn.ServeHTTP(&short{ResponseWriter: x.w, left: bytes}, x.r)
	}
}

// short breaks an answer off.
type short struct {
	http.ResponseWriter
	left int
}

// Write implements http.ResponseWriter.
func (s *short) Write(b []byte) (int, error) {
	if len(b) < s.left {
		s.left -= len(b)
		return s.ResponseWriter.Write(b)
	}
	_, _ = s.ResponseWriter.Write(b[:s.left])
	_ = http.NewResponseController(s.ResponseWriter).Flush()
	panic(http.ErrAbortHandler)
}

// Unwrap lets http.ResponseController reach the connection.
func (s *short) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// Silent begins an answer and says nothing more, as a balancer whose server is
// gone.
func Silent(x Exchange) {
	x.w.Header().Set("Content-Type", "application/json")
	x.w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(x.w).Flush()
	Hang(x)
}

// Nonsense passes an answer on, with lines of nonsense in place of its beginning,
// which is the first event of a watch.
func Nonsense(x Exchange) {
	x.passOn.ServeHTTP(&babble{ResponseWriter: x.w}, x.r)
}

type babble struct {
	http.ResponseWriter
	said bool
}

// WriteHeader implements http.ResponseWriter.
func (b *babble) WriteHeader(status int) {
	b.Header().Del("Content-Length")
	b.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (b *babble) Write(event []byte) (int, error) {
	if b.said {
		return b.ResponseWriter.Write(event)
	}
	b.said = true
	if _, err := io.WriteString(b.ResponseWriter, strings.Repeat("}{ nonsense\n", 3)); err != nil {
		return 0, err
	}
	return len(event), nil
}

// Unwrap lets http.ResponseController reach the connection.
func (b *babble) Unwrap() http.ResponseWriter { return b.ResponseWriter }
