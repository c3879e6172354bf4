// SPDX-License-Identifier: Apache-2.0

//go:build kube

package ha

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/wire/cerbos/cerbospb"
)

// askEvery is the pause of a client between two requests.
const askEvery = 4 * time.Millisecond

// questions are what all clients ask, in turn.
var questions = func() []authz.Request {
	var all []authz.Request
	for user := range users {
		for _, action := range []string{"read", "update"} {
			all = append(all, authz.Request{
				Namespace: namespace, Subject: authz.Subject{Type: "user", ID: userID(user)}, Action: authz.Action{Name: action},
				Resource: authz.Resource{Type: "document", ID: "d1"}, Time: testkit.Now(),
			})
		}
	}
	return all
}()

func show(question int) string {
	q := &questions[question]
	return fmt.Sprintf("may %s %s", q.Subject.ID, q.Action.Name)
}

// answerKey is a question, put to a revision.
type answerKey struct {
	revision string
	question int
}

// answer is what a client was told.
type answer struct {
	allowed  bool
	revision string
}

// errBroken says that a connection was refused or broke off: who asks again may
// have more luck.
var errBroken = errors.New("no answer")

// asker asks in a protocol.
type asker interface {
	// ask asks a question, again if the first time was in vain.
	ask(ctx context.Context, question int, again bool) (answer, error)
}

// overHTTP asks one of some addresses, each time the next one, over connections
// that it keeps.
type overHTTP struct {
	addresses func() []string
	client    *http.Client
	turn      atomic.Int64
}

func newHTTP(t *testing.T, addresses func() []string) *overHTTP {
	t.Helper()
	transport := &http.Transport{DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext, MaxIdleConnsPerHost: 4}
	t.Cleanup(transport.CloseIdleConnections)
	return &overHTTP{addresses: addresses, client: &http.Client{Transport: transport, Timeout: 20 * time.Second}}
}

func (c *overHTTP) ask(ctx context.Context, question int, _ bool) (answer, error) {
	body, err := testkit.AuthZEN(&questions[question])
	if err != nil {
		return answer{}, err
	}
	addresses := c.addresses()
	if len(addresses) == 0 {
		return answer{}, fmt.Errorf("%w: no replica is ready", errBroken)
	}
	address := addresses[int(c.turn.Add(1))%len(addresses)]
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/ns/"+namespace+"/access/v1/evaluation", bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := c.client.Do(r)
	if err != nil {
		return answer{}, fmt.Errorf("%w: %w", errBroken, err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, fmt.Errorf("%w: %w", errBroken, err)
	}
	var told struct {
		Decision bool
		Context  struct{ Revision string }
	}
	if err := json.Unmarshal(text, &told); err != nil || response.StatusCode != http.StatusOK {
		return answer{}, fmt.Errorf("%s answers %s: %s", address, response.Status, text)
	}
	revision := response.Header.Get("Rolecall-Revision")
	if revision != told.Context.Revision {
		return answer{}, fmt.Errorf("the header says revision %q, the answer %q", revision, told.Context.Revision)
	}
	return answer{told.Decision, revision}, nil
}

// overGRPC asks by a client of Cerbos'. Again, it waits for a connection.
type overGRPC struct {
	clients func() []*grpc.ClientConn
	turn    atomic.Int64
}

func dial(t *testing.T, address string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func (c *overGRPC) ask(ctx context.Context, question int, again bool) (answer, error) {
	q := &questions[question]
	clients := c.clients()
	if len(clients) == 0 {
		return answer{}, fmt.Errorf("%w: no replica is ready", errBroken)
	}
	ctx, cancel := context.WithTimeout(metadata.AppendToOutgoingContext(ctx, "rolecall-namespace", namespace), 20*time.Second)
	defer cancel()
	var header metadata.MD
	out, err := cerbospb.NewCerbosServiceClient(clients[int(c.turn.Add(1))%len(clients)]).CheckResources(ctx, &cerbospb.CheckResourcesRequest{
		Principal: &cerbospb.Principal{Id: q.Subject.ID, Roles: []string{"nobody"}},
		Resources: []*cerbospb.CheckResourcesRequest_Entry{{
			Actions: []string{q.Action.Name}, Resource: &cerbospb.Resource{Kind: q.Resource.Type, Id: q.Resource.ID},
		}},
	}, grpc.Header(&header), grpc.WaitForReady(again))
	if status.Code(err) == codes.Unavailable {
		return answer{}, fmt.Errorf("%w: %w", errBroken, err)
	}
	if err != nil {
		return answer{}, err
	}
	revisions := header.Get("rolecall-revision")
	if len(revisions) != 1 {
		return answer{}, fmt.Errorf("the metadata names the revisions %q, want one", revisions)
	}
	return answer{out.GetResults()[0].GetActions()[q.Action.Name] == cerbospb.Effect_EFFECT_ALLOW, revisions[0]}, nil
}

// tally is what became of requests.
type tally struct {
	asked, retried, lost int
	lastLost             error
}

// load is clients that ask without end.
type load struct {
	mu      sync.Mutex
	tallies map[string]*tally
	answers map[answerKey]bool
	wrong   []string
}

func newLoad() *load {
	return &load{tallies: map[string]*tally{}, answers: map[answerKey]bool{}}
}

// run asks by a client until ctx ends. It asks a second time if the first one was
// refused or broken off.
func (l *load) run(ctx context.Context, name string, c asker) {
	for n := 0; ctx.Err() == nil; n++ {
		question := n % len(questions)
		a, err := c.ask(ctx, question, false)
		retried := errors.Is(err, errBroken)
		if retried {
			a, err = c.ask(ctx, question, true)
		}
		if ctx.Err() != nil {
			return // it was given up by us
		}
		l.count(name, question, a, retried, err)
		pause(ctx, askEvery)
	}
}

func (l *load) count(name string, question int, a answer, retried bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	counted := l.tallies[name]
	if counted == nil {
		counted = &tally{}
		l.tallies[name] = counted
	}
	counted.asked++
	if retried {
		counted.retried++
	}
	if err != nil {
		counted.lost++
		counted.lastLost = err
		return
	}
	l.note(question, a)
}

// note keeps an answer. The mutex is held.
func (l *load) note(question int, a answer) {
	key := answerKey{a.revision, question}
	if before, asked := l.answers[key]; asked && before != a.allowed {
		l.wrong = append(l.wrong, fmt.Sprintf("the revision %s says %v and %v to %s", a.revision, before, a.allowed, show(question)))
	}
	l.answers[key] = a.allowed
}

// look asks one replica alone, one question after the other, until it ends, and
// keeps what it shows.
func (l *load) look(ctx context.Context, r *replica, s *sight, c *overHTTP) {
	for n := 0; ctx.Err() == nil && r.Running(); n++ {
		question := n % len(questions)
		if a, err := c.ask(ctx, question, false); err == nil {
			s.saw(a.revision)
			l.mu.Lock()
			l.note(question, a)
			l.mu.Unlock()
		}
		pause(ctx, askEvery)
	}
}

// lap returns what became of the requests since the last lap.
func (l *load) lap() map[string]tally {
	l.mu.Lock()
	defer l.mu.Unlock()
	lap := map[string]tally{}
	for name, counted := range l.tallies {
		lap[name] = *counted
		*counted = tally{}
	}
	return lap
}
