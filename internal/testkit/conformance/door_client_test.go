// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/corpus"
)

// clock is a server's, which the test sets.
type clock struct{ now atomic.Pointer[time.Time] }

func (c *clock) set(t time.Time) { c.now.Store(&t) }

func (c *clock) read() time.Time {
	if t := c.now.Load(); t != nil {
		return *t
	}
	return testkit.Now()
}

// place returns a copy of a case whose namespaces are its own, so that all cases
// can be served at once.
func place(c corpus.Case) corpus.Case {
	placed := c
	placed.Objects, placed.Checks = nil, nil
	for _, o := range c.Objects {
		placed.Objects = append(placed.Objects, testkit.In(c.Name+"-"+o.GetNamespace(), testkit.Copy(o)))
	}
	for _, check := range c.Checks {
		check.Request.Namespace = c.Name + "-" + check.Request.Namespace
		placed.Checks = append(placed.Checks, check)
	}
	return placed
}

// client asks the AuthZEN door of a server.
type client struct {
	base  string
	clock *clock
	http  http.Client
}

// verify puts the checks to the door, one by one and in batches. What AuthZEN
// cannot say is only the scope of asserted roles, and what a gateway captures.
func (c *client) verify(t *testing.T, checks []testkit.Check) {
	t.Helper()
	for _, diff := range c.differences(t, checks) {
		t.Error(diff)
	}
}

func (c *client) differences(t *testing.T, checks []testkit.Check) []string {
	t.Helper()
	var differences []string
	for _, check := range checks {
		body, err := testkit.AuthZEN(&check.Request)
		r := &check.Request
		if (err != nil) != (r.Subject.SessionScope != "" || len(r.Subject.Captured)+len(r.Resource.Captured) > 0) {
			t.Fatalf("%s: as an AuthZEN request: %v", check.Name, err)
		}
		if err != nil {
			continue
		}
		c.clock.set(check.Request.Time)
		if diff := c.evaluate(t, check, body); diff != "" {
			differences = append(differences, fmt.Sprintf("%s: %s (-want +got):\n%s", check.Name, body, diff))
		}
		if diff := c.batch(t, check, body); diff != "" {
			differences = append(differences, fmt.Sprintf("%s: in a batch, %s (-want +got):\n%s", check.Name, body, diff))
		}
	}
	return differences
}

// evaluate asks one evaluation.
func (c *client) evaluate(t *testing.T, check testkit.Check, body []byte) string {
	t.Helper()
	status, answer := c.post(t, check.Request.Namespace, "/access/v1/evaluation", body)
	if check.Want.Error != "" {
		return compareError(check.Want.Error, status, answer)
	}
	var got verdict
	if err := json.Unmarshal(answer, &got); status != http.StatusOK || err != nil {
		return fmt.Sprintf("status %d, %s", status, answer)
	}
	return cmp.Diff(check.Want, got.want())
}

// batch asks the evaluation between two others, of which one has the same
// subject, action and resource and only another context.
// bug: an item decided by another item's context (CVE-2026-34972)
func (c *client) batch(t *testing.T, check testkit.Check, body []byte) string {
	t.Helper()
	var other map[string]any
	if err := json.Unmarshal(body, &other); err != nil {
		t.Fatal(err)
	}
	other["context"] = map[string]any{"another": "context"}
	twin, err := json.Marshal(other)
	if err != nil {
		t.Fatal(err)
	}
	items := fmt.Sprintf(`{"evaluations":[%s,%s,%s],"options":{"context":true}}`, twin, body, twin)
	status, answer := c.post(t, check.Request.Namespace, "/access/v1/evaluations", []byte(items))
	var got struct{ Evaluations []verdict }
	if err := json.Unmarshal(answer, &got); status != http.StatusOK || err != nil || len(got.Evaluations) != 3 {
		return fmt.Sprintf("status %d, %s", status, answer)
	}
	if item := got.Evaluations[1]; check.Want.Error != "" {
		return compareError(check.Want.Error, item.Context.Error.Status, []byte(item.Context.Error.Message))
	}
	return cmp.Diff(check.Want, got.Evaluations[1].want())
}

// verdict is an answer of the door, or of one item.
type verdict struct {
	Decision bool
	Context  struct {
		Reason   string
		Roles    []string
		Warnings []string
		Error    struct {
			Status  int
			Message string
		}
	}
}

func (v verdict) want() testkit.Want {
	w := testkit.Want{Decision: v.Decision, Reason: v.Context.Reason, Warnings: testkit.Warned(v.Context.Warnings)}
	if len(v.Context.Roles) > 0 {
		w.Roles = v.Context.Roles
	}
	return w
}

// compareError wants a message that names the field, by its own name there.
func compareError(field string, status int, message []byte) string {
	field = strings.TrimPrefix(field, "subject.")
	if status == http.StatusBadRequest && bytes.Contains(message, []byte(field)) {
		return ""
	}
	return fmt.Sprintf("-status 400 and a message that names %s\n+status %d, %s", field, status, message)
}

func (c *client) post(t *testing.T, namespace, path string, body []byte) (int, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.base+"/ns/"+namespace+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := c.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, answer
}
