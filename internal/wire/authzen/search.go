// SPDX-License-Identifier: Apache-2.0

package authzen

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/wire/ijson"
)

// SearchLimits bound searches, so that they leave room for checks.
type SearchLimits struct {
	// Results is how many results one answer holds at most, and Candidates about how
	// many subjects or resources one request decides at most.
	Results, Candidates int
	// Concurrent is how many searches are under way at a time; others wait.
	Concurrent int
	// Timeout is how long a search may take, its waiting included.
	Timeout time.Duration
}

// search answers a search of some sort.
func search(sought authz.Sought) func(*call, *http.Request) error {
	return func(c *call, r *http.Request) error {
		ctx, cancel := context.WithTimeout(r.Context(), c.handler.Search.Timeout)
		defer cancel()
		q := authz.Search{Sought: sought, Limit: c.handler.Search.Results, Candidates: c.handler.Search.Candidates}
		page, err := c.query(ctx, &q)
		if err != nil {
			c.policy.Refused(err)
			return err
		}
		found, err := c.find(ctx, &q)
		if err != nil {
			return Subjects{}.Fault(err)
		}
		c.out, err = c.appendFound(&q, page, &found)
		return err
	}
}

// query reads what is asked for.
func (c *call) query(ctx context.Context, q *authz.Search) (Page, error) {
	page, proof, err := c.decoder.Search(c.body, q.Sought, &q.Request)
	if err != nil {
		return page, err
	}
	c.request = q.Request
	if proof.Given() {
		if err := c.prove(ctx, proof); err != nil {
			return page, err
		}
		q.Request = c.request
	}
	q.Request.Namespace = c.policy.Namespace()
	if page.Limit > 0 {
		q.Limit = min(q.Limit, page.Limit)
	}
	if page.Token != "" {
		q.After, err = readToken(page.Token, q)
	}
	return page, err
}

// find searches, when it is its turn.
func (c *call) find(ctx context.Context, q *authz.Search) (authz.Found, error) {
	select {
	case c.handler.searching <- struct{}{}:
		defer func() { <-c.handler.searching }()
		return c.policy.Search(ctx, q)
	case <-ctx.Done():
		err := door.GivenUp(ctx.Err())
		c.policy.Refused(err)
		return authz.Found{}, err
	}
}

// appendFound appends the answer. It tells of the page only if there is something
// to tell: that there are more, or may be.
func (c *call) appendFound(q *authz.Search, page Page, found *authz.Found) ([]byte, error) {
	b := append(c.out, `{"results":[`...)
	for i, id := range found.IDs {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendEntity(b, q, id)
	}
	b = append(b, ']')
	doubt := len(found.OpenTo) > 0 || found.Undecided > 0
	if page.Given || doubt || found.Next != "" {
		token, err := newToken(found.Next, q)
		if err != nil {
			return b, err
		}
		b = ijson.AppendText(append(b, `,"page":{"next_token":`...), token)
		if doubt {
			b = appendDoubt(append(b, `,"properties":`...), found)
		}
		b = append(b, '}')
	}
	return append(b, '}'), nil
}

func appendEntity(b []byte, q *authz.Search, id string) []byte {
	typ := q.Request.Subject.Type
	switch q.Sought {
	case authz.Actions:
		b = ijson.AppendText(append(b, `{"name":`...), id)
		return append(b, '}')
	case authz.Resources:
		typ = q.Request.Resource.Type
	case authz.Subjects:
	}
	b = ijson.AppendText(append(b, `{"type":`...), typ)
	b = ijson.AppendText(append(b, `,"id":`...), id)
	return append(b, '}')
}

// appendDoubt appends why the results may not be all that are allowed.
func appendDoubt(b []byte, found *authz.Found) []byte {
	b = append(b, `{"open_to":[`...)
	for i, opening := range found.OpenTo {
		if i > 0 {
			b = append(b, ',')
		}
		b = ijson.AppendText(b, string(opening))
	}
	b = append(b, `],"undecided":`...)
	b = strconv.AppendInt(b, int64(found.Undecided), 10)
	return append(b, '}')
}
