// SPDX-License-Identifier: Apache-2.0

package authzen_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/metrics"
	"github.com/rolecall/rolecall/internal/wire/authzen"
)

// discard is a ResponseWriter that costs nothing.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header          { return d.header }
func (*discard) Write(body []byte) (int, error) { return len(body), nil }
func (*discard) WriteHeader(int)                {}

// asker returns a function that asks the door, as it is wired up, the same thing
// again and again.
func asker(tb testing.TB, body string) func() error {
	tb.Helper()
	counters, err := metrics.New(authzen.Name)
	if err != nil {
		tb.Fatal(err)
	}
	routes := authzen.Routes(authzen.Options{
		Asker:            door.Asker{Gate: door.Anyone{}, Provider: policyOf(tb, certification), Now: time.Now, Meter: counters.Door(authzen.Name)},
		DefaultNamespace: "default", MaxEvaluations: 100,
	})
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, "/access/v1/evaluation", nil)
	if err != nil {
		tb.Fatal(err)
	}
	text := strings.NewReader(body)
	req.Body, req.ContentLength = io.NopCloser(text), int64(len(body))
	w := &discard{header: http.Header{}}
	return func() error {
		text.Reset(body)
		return routes[0].Serve(w, req)
	}
}

// TestARequestKeepsNothingOfItsBody: the buffer of a body is used again while a
// request may still be looked at.
func TestARequestKeepsNothingOfItsBody(t *testing.T) {
	const text = `{"subject":{"type":"user","id":"alice","properties":{"groups":["g\u0031"],"n":1,"deep":[{"a":"b"}]}},` +
		`"action":{"name":"read","properties":{"soft":"yes"}},"resource":{"type":"record","id":"record-1"},` +
		`"context":{"scope":"org:a","more":{"x":"y"}},"evaluations":[{"context":{"item":"one"}},{"action":{"name":"write"}}]}`
	poison := func(body []byte) {
		for i := range body {
			body[i] = 'X'
		}
	}
	var d, other authzen.Decoder
	var got, want authz.Request
	body := []byte(text)
	if _, err := d.Evaluation(body, &got); err != nil {
		t.Fatal(err)
	}
	poison(body)
	if _, err := other.Evaluation([]byte(text), &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after its body was overwritten (-want +got):\n%s", diff)
	}

	body = []byte(text)
	batch, err := d.Evaluations(body, 10)
	if err != nil {
		t.Fatal(err)
	}
	poison(body)
	if _, err := batch.Request(0, &got); err != nil {
		t.Fatal(err)
	}
	want.Context = object{"item": "one"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("an item after the body was overwritten (-want +got):\n%s", diff)
	}
}

// TestADecoderKeepsNothing: what one body said is in no other's request, whatever
// came between them.
func TestADecoderKeepsNothing(t *testing.T) {
	full := `{"subject":{"type":"user","id":"alice","properties":{"roles":["admin"]}},"action":{"name":"read","properties":{"a":1}},` +
		`"resource":{"type":"doc","id":"1","properties":{"b":2}},"context":{"scope":"org:a"},"evaluations":[{},{"context":{"c":3}}]}`
	var many strings.Builder
	for i := range 200 {
		fmt.Fprintf(&many, `"m%d":%d,`, i, i)
	}
	between := map[string]string{
		"a body":                full,
		"half a body":           full[:len(full)-40],
		"a body of many values": `{"context":{` + many.String() + `"last":null}}`,
		"what is no request":    `{"context":{"scope":""},"subject":{"properties":{"roles":1}}}`,
		"nothing":               ``,
	}
	for name, text := range between {
		t.Run(name, func(t *testing.T) {
			var d authzen.Decoder
			var r authz.Request
			_, _ = d.Evaluation([]byte(text), &r)
			if batch, err := d.Evaluations([]byte(text), 10); err == nil {
				for i := range batch.Len() {
					_, _ = batch.Request(i, &r)
				}
			}
			if _, err := d.Evaluation([]byte(`{"subject":{"properties":{}},"action":{"properties":{}},"context":{}}`), &r); err != nil {
				t.Fatal(err)
			}
			want := authz.Request{
				Subject: authz.Subject{Properties: object{}}, Action: authz.Action{Properties: object{}}, Context: object{},
			}
			if diff := cmp.Diff(want, r); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}
