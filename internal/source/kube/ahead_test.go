// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/rolecall/rolecall/internal/store"
)

// book is a server of two pages. It says when one is asked for, and when whoever
// asked for the second has gone; it answers for the second when it is told to.
type book struct {
	asked  chan string // the tokens
	gone   chan struct{}
	second chan int // the code to answer with
}

func (b *book) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token, code := r.URL.Query().Get("continue"), http.StatusOK
	name, next := "of-", `"continue":"more",`
	b.asked <- token
	if token != "" {
		select {
		case code = <-b.second:
		case <-r.Context().Done():
			b.gone <- struct{}{}
			return
		}
		name, next = "of-more", ""
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	if code == http.StatusGone {
		_, _ = fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","reason":"Expired","code":410}`)
		return
	}
	_, _ = fmt.Fprintf(w, `{"apiVersion":"rolecall.dev/v1alpha1","items":[{"apiVersion":"rolecall.dev/v1alpha1","kind":"Role",`+
		`"metadata":{"name":%q}}],"kind":"RoleList","metadata":{%s"resourceVersion":"9"}}`+"\n", name, next)
}

// openBook returns the book, and its pages through a real client.
func openBook(t *testing.T) (*book, *pages) {
	t.Helper()
	b := &book{asked: make(chan string, 8), gone: make(chan struct{}, 8), second: make(chan int, 1)}
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	clients, err := newClients(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return b, &pages{ask: func(ctx context.Context, o metav1.ListOptions) rest.Result {
		return clients[store.KindRole].Get().Resource("roles").VersionedParams(&o, metav1.ParameterCodec).Do(ctx)
	}}
}

// turn asks for a page, and returns the name of the first object and the next token.
func turn(t *testing.T, p *pages, token string) (name, next string, err error) {
	t.Helper()
	o, err := p.list(t.Context(), metav1.ListOptions{Limit: pageSize, Continue: token})
	if err != nil {
		return "", "", err
	}
	objects, err := meta.ExtractList(o)
	if err != nil || len(objects) != 1 {
		t.Fatalf("a page of %d objects, error %v, want 1", len(objects), err)
	}
	object, err := meta.Accessor(objects[0])
	if err != nil {
		t.Fatal(err)
	}
	about, err := meta.ListAccessor(o)
	if err != nil {
		t.Fatal(err)
	}
	return object.GetName(), about.GetContinue(), nil
}

// TestPagesAhead: the second page is asked for before anybody wants it, once.
func TestPagesAhead(t *testing.T) {
	b, p := openBook(t)
	if name, next, err := turn(t, p, ""); name != "of-" || next != "more" || err != nil {
		t.Fatalf("the first page is %q with the token %q, error %v", name, next, err)
	}
	for i, want := range []string{"", "more"} {
		if got := <-b.asked; got != want {
			t.Errorf("request %d is for %q, want %q", i, got, want)
		}
	}
	b.second <- http.StatusOK
	if name, next, err := turn(t, p, "more"); name != "of-more" || next != "" || err != nil {
		t.Errorf("the second page is %q with the token %q, error %v", name, next, err)
	}
	if n := len(b.asked); n != 0 {
		t.Errorf("%d more pages were asked for", n)
	}
}

// TestPagesAheadFail: an error is that of the page that it belongs to, and the library
// knows what it means.
func TestPagesAheadFail(t *testing.T) {
	b, p := openBook(t)
	b.second <- http.StatusGone
	if _, _, err := turn(t, p, ""); err != nil {
		t.Fatal(err)
	}
	if _, _, err := turn(t, p, "more"); !apierrors.IsResourceExpired(err) {
		t.Errorf("the error is %v, want that the list has expired", err)
	}
	if name, _, err := turn(t, p, ""); name != "of-" || err != nil {
		t.Errorf("the first page is %q after that, error %v", name, err)
	}
}

// TestPagesAheadUnwanted: a page that was asked for and is not wanted is given up.
func TestPagesAheadUnwanted(t *testing.T) {
	b, p := openBook(t)
	for range 2 {
		if name, _, err := turn(t, p, ""); name != "of-" || err != nil {
			t.Fatalf("the first page is %q, error %v", name, err)
		}
		<-b.asked
		if token := <-b.asked; token != "more" {
			t.Fatalf("what was asked for ahead is %q", token)
		}
	}
	<-b.gone
}

// TestContinuation: the token is that of the list or none.
func TestContinuation(t *testing.T) {
	of := object(store.KindRole)
	for name, c := range map[string]struct{ text, want string }{
		"a list":                     {list(store.KindRole, `"items":[`+of+`],`), "abc"},
		"no items":                   {list(store.KindRole, ""), "abc"},
		"the last page":              {`{"items":[` + of + `],"metadata":{"resourceVersion":"9"}}`, ""},
		"metadata first":             {`{"metadata":{"continue":"abc"},"items":[` + of + `]}`, ""},
		"metadata first, no items":   {`{"metadata":{"continue":"abc"},"items":[]}`, ""},
		"an object that has a token": {`{"items":[{"metadata":{"continue":"abc"}}]}`, ""},
		"cut off":                    {`{"items":[],"metadata":{"continue":"abc"`, ""},
		"no list":                    {`{}`, ""},
		"nothing":                    {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := continuation([]byte(c.text)); got != c.want {
				t.Errorf("continuation is %q, want %q", got, c.want)
			}
		})
	}
}
