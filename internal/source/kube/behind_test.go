// SPDX-License-Identifier: Apache-2.0

package kube_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/rolecall/rolecall/internal/source/kube"
	"github.com/rolecall/rolecall/internal/store"
	"github.com/rolecall/rolecall/internal/testkit/logs"
)

// script is an API server that says of the Roles what it is told, and that there
// is nothing of the other kinds. What it says is not what a right server would.
type script struct {
	// list and watch answer the nth request for Roles, from 0 on.
	list, watch func(w http.ResponseWriter, r *http.Request, n int)

	mu             sync.Mutex
	lists, watches int
}

// ServeHTTP implements http.Handler.
func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	watching := r.URL.Query().Get("watch") != ""
	if path.Base(r.URL.Path) != "roles" {
		if watching {
			idle(w, r, 0)
			return
		}
		_, _ = fmt.Fprint(w, roles("7", ""))
		return
	}
	s.mu.Lock()
	n, answer := s.lists, s.list
	if watching {
		n, answer = s.watches, s.watch
		s.watches++
	} else {
		s.lists++
	}
	s.mu.Unlock()
	answer(w, r, n)
}

// asked returns how often Roles were listed and watched.
func (s *script) asked() (lists, watches int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lists, s.watches
}

// roles is a list of a version.
func roles(version, next string, names ...string) string {
	var items []string
	for _, name := range names {
		items = append(items, role(name, version))
	}
	return fmt.Sprintf(`{"apiVersion":"rolecall.dev/v1alpha1","kind":"RoleList","metadata":{"resourceVersion":%q,"continue":%q},"items":[%s]}`,
		version, next, strings.Join(items, ","))
}

func role(name, version string) string {
	return fmt.Sprintf(`{"apiVersion":"rolecall.dev/v1alpha1","kind":"Role","metadata":{"namespace":"default","name":%q,"resourceVersion":%q}}`, name, version)
}

// idle is a watch that has begun and says nothing.
func idle(w http.ResponseWriter, r *http.Request, _ int) {
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

// refused is the answer to who lacks the right.
func refused(w http.ResponseWriter) {
	w.WriteHeader(http.StatusForbidden)
	_, _ = fmt.Fprint(w, `{"apiVersion":"v1","kind":"Status","status":"Failure","reason":"Forbidden","code":403,"message":"no rights yet"}`)
}

// forgotten is the answer to a request for a version that is no longer known.
func forgotten(w http.ResponseWriter) {
	w.WriteHeader(http.StatusGone)
	_, _ = fmt.Fprint(w, `{"apiVersion":"v1","kind":"Status","status":"Failure","reason":"Expired","code":410,"message":"too old"}`)
}

// follow runs a source on the script, whose clock is the returned one, set to a
// minute of an hour.
func (s *script) follow(t *testing.T, log *diary, o kube.Options) (*tape, func(minute int)) {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.CloseClientConnections)
	var mu sync.Mutex
	now := time.Unix(0, 0)
	o.Now = func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	o.Logger = logs.New(t)
	if log != nil {
		o.Logger = log.logger()
	}
	sink := newTape()
	watchingBy(t, &rest.Config{Host: server.URL}, sink, o)
	return sink, func(minute int) {
		mu.Lock()
		defer mu.Unlock()
		now = time.Unix(int64(60*minute), 0)
	}
}

// TestAnOlderListIsNotBelieved: what was revoked does not come back by a server
// that is behind, but for good if it stays so.
func TestAnOlderListIsNotBelieved(t *testing.T) {
	t.Parallel()
	s := &script{
		list: func(w http.ResponseWriter, _ *http.Request, n int) {
			if n == 0 {
				_, _ = fmt.Fprint(w, roles("100", "", "reader"))
				return
			}
			_, _ = fmt.Fprint(w, roles("99", "", "reader", "revoked"))
		},
		watch: func(w http.ResponseWriter, _ *http.Request, _ int) { forgotten(w) },
	}
	var log diary
	sink, at := s.follow(t, &log, kube.Options{})
	until(t, func() string {
		if lists, _ := s.asked(); lists < 4 {
			return fmt.Sprintf("%d lists", lists)
		}
		return ""
	})
	if n := sink.count(func(s *tape) int { return s.lists[store.Partition{Kind: store.KindRole}] }); n != 1 {
		t.Errorf("%d lists were believed, want the first alone", n)
	}
	present(t, sink, "Role reader")
	if lines := log.with("is not believed for now"); len(lines) != 1 || !strings.Contains(lines[0], `"version"="99"`) {
		t.Errorf("people were told %q, want one line that names the version", lines)
	}
	at(1)
	present(t, sink, "Role reader", "Role revoked")
}

// TestAnOlderEventIsNotBelieved: it is no news, and a list is asked for what is.
func TestAnOlderEventIsNotBelieved(t *testing.T) {
	t.Parallel()
	for _, event := range []string{
		`{"type":"ADDED","object":` + role("revoked", "99") + `}`,
		`{"type":"DELETED","object":` + role("reader", "99") + `}`,
		`{"type":"BOOKMARK","object":` + role("", "99") + `}`,
	} {
		s := &script{
			list: func(w http.ResponseWriter, _ *http.Request, n int) {
				_, _ = fmt.Fprint(w, roles(fmt.Sprint(100+n), "", "reader"))
			},
			watch: func(w http.ResponseWriter, r *http.Request, n int) {
				if n == 0 {
					_, _ = fmt.Fprintln(w, event)
				}
				idle(w, r, n)
			},
		}
		sink, _ := s.follow(t, nil, kube.Options{})
		until(t, func() string {
			if lists, watches := s.asked(); lists < 2 || watches < 2 {
				return fmt.Sprintf("%s: %d lists and %d watches", event, lists, watches)
			}
			return ""
		})
		present(t, sink, "Role reader")
		if n := sink.count(func(s *tape) int { return s.puts }); n != 0 {
			t.Errorf("%s was believed", event)
		}
	}
}

// TestAServerThatComesUp: that it knows no rights yet is no news, unless it stays
// so.
func TestAServerThatComesUp(t *testing.T) {
	t.Parallel()
	s := &script{
		list: func(w http.ResponseWriter, _ *http.Request, n int) {
			if n > 0 {
				refused(w)
				return
			}
			_, _ = fmt.Fprint(w, roles("100", "", "reader"))
		},
		watch: func(w http.ResponseWriter, r *http.Request, n int) {
			if n == 0 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			idle(w, r, n)
		},
	}
	var log diary
	_, at := s.follow(t, &log, kube.Options{})
	until(t, func() string {
		if lists, _ := s.asked(); lists < 5 {
			return fmt.Sprintf("%d lists", lists)
		}
		return ""
	})
	if lines := append(log.with("waiting for permission"), log.with("in contact")...); len(lines) > 0 {
		t.Errorf("a server that comes up is told of: %q", lines)
	}
	at(1)
	until(t, func() string {
		if len(log.with("waiting for permission")) != 1 {
			return "nobody was told that a right is missing"
		}
		return ""
	})
	if lines := log.with("lost contact"); len(lines) != 1 {
		t.Errorf("people were told %q, want one line of the outage", lines)
	}
}

// TestASilentWatchIsGivenUp: no error comes of a watch that nobody serves any
// more.
func TestASilentWatchIsGivenUp(t *testing.T) {
	t.Parallel()
	s := &script{
		list: func(w http.ResponseWriter, _ *http.Request, n int) {
			_, _ = fmt.Fprint(w, roles(fmt.Sprint(100+n), "", fmt.Sprint("role-", min(n, 1))))
		},
		watch: idle,
	}
	sink, _ := s.follow(t, nil, kube.Options{Silence: 10 * time.Millisecond})
	present(t, sink, "Role role-1")
}

// TestNoListOfAnyVersion: not even where the server has forgotten, between two
// pages, the version of the first one.
func TestNoListOfAnyVersion(t *testing.T) {
	t.Parallel()
	s := &script{watch: idle}
	s.list = func(w http.ResponseWriter, r *http.Request, n int) {
		if q := r.URL.Query(); q.Has("resourceVersion") {
			t.Errorf("list %d asks for the version %q", n, q.Get("resourceVersion"))
		}
		switch n {
		case 0:
			_, _ = fmt.Fprint(w, roles("100", "more", "reader"))
		case 1:
			forgotten(w)
		default:
			_, _ = fmt.Fprint(w, roles("101", "", "writer"))
		}
	}
	sink, _ := s.follow(t, nil, kube.Options{})
	present(t, sink, "Role writer")
}
