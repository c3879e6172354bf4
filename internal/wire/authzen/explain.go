// SPDX-License-Identifier: Apache-2.0

package authzen

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/wire/ijson"
)

// pathExplanation is our own: the standard has no explanations.
const pathExplanation = "/access/v1/explanation"

// timeParameter is the query parameter with the moment to explain.
const timeParameter = "time"

// explanation answers a request for an evaluation, and why it comes out so.
func (c *call) explanation(r *http.Request) error {
	at, err := explainedTime(r)
	if err != nil {
		c.policy.Refused(err)
		return err
	}
	e, err := c.explain(r.Context(), at)
	if err != nil {
		return err
	}
	c.out, err = AppendExplanation(c.out, e, c.policy.Revision(), c.request.Time)
	return err
}

func (c *call) explain(ctx context.Context, at time.Time) (*authz.Explanation, error) {
	proof, err := c.decoder.Evaluation(c.body, &c.request)
	if err := c.ready(ctx, proof, err); err != nil {
		return nil, err
	}
	e, err := c.policy.Explain(&c.request, at)
	return e, Subjects{}.Fault(err)
}

// explainedTime returns the moment that a request asks about; zero is now.
func explainedTime(r *http.Request) (time.Time, error) {
	text := r.URL.Query().Get(timeParameter)
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || at.IsZero() {
		return time.Time{}, door.BadRequest("time: must be a moment as in RFC 3339, such as 2027-01-31T09:30:00Z (a + is %2B in a query)")
	}
	return at, nil
}

// AppendExplanation appends a decision as AppendDecision does, with the moment for
// which it is made and what led to it.
func AppendExplanation(b []byte, e *authz.Explanation, revision string, at time.Time) ([]byte, error) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false) // conditions are full of < and &&
	if err := enc.Encode(e); err != nil {
		return nil, err
	}
	b = AppendDecision(b, &e.Decision, revision, true)
	b = append(b[:len(b)-1], `,"time":`...)
	b = ijson.AppendText(b, at.UTC().Format(time.RFC3339Nano))
	b = append(append(b, `,"explanation":`...), bytes.TrimSpace(text.Bytes())...)
	return append(b, '}'), nil
}
