// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/rolecall/rolecall/internal/authz"
)

// Check is a request and the answer that it must get.
type Check struct {
	// Name is a sentence.
	Name    string
	Request authz.Request
	Want    Want
}

// Want is what an answer must be: a decision, or the field of an invalid
// request.
type Want struct {
	Decision bool     `json:"decision,omitempty"`
	Reason   string   `json:"reason,omitempty"`
	Roles    []string `json:"roles,omitempty"`
	// Warnings are the fields that the answer warns of, in their order.
	Warnings []string `json:"warnings,omitempty"`
	// Error is the field of the *authz.RequestError instead.
	Error string `json:"error,omitempty"`
}

// Answer renders what a Checker said in the form of a Want; an error that is no
// *authz.RequestError stands there as its text.
func Answer(d authz.Decision, err error) Want {
	var invalid *authz.RequestError
	switch {
	case errors.As(err, &invalid):
		return Want{Error: invalid.Field}
	case err != nil:
		return Want{Error: err.Error()}
	}
	w := Want{Decision: d.Allowed, Reason: d.Reason.String()}
	if len(d.Roles) > 0 {
		w.Roles = d.Roles
	}
	w.Warnings = Warned(d.Warnings)
	return w
}

// Warned returns the fields that warnings begin with.
func Warned(warnings []string) []string {
	var fields []string
	for _, warning := range warnings {
		field, _, _ := strings.Cut(warning, " ")
		fields = append(fields, field)
	}
	return fields
}

// check is a Check as files write it.
type check struct {
	Name      string         `json:"name"`
	Namespace string         `json:"namespace,omitempty"`
	Subject   subject        `json:"subject"`
	Action    action         `json:"action"`
	Resource  resource       `json:"resource"`
	Scope     string         `json:"scope,omitempty"`
	Context   map[string]any `json:"context,omitempty"`
	Time      time.Time      `json:"time,omitzero"`
	Want      Want           `json:"want"`
}

type subject struct {
	Type           string           `json:"type"`
	ID             string           `json:"id"`
	Roles          []string         `json:"roles,omitempty"`
	SessionScope   string           `json:"sessionScope,omitempty"`
	Groups         []string         `json:"groups,omitempty"`
	Email          string           `json:"email,omitempty"`
	EmailVerified  bool             `json:"emailVerified,omitempty"`
	SSOConnections []string         `json:"ssoConnections,omitempty"`
	SSOGroups      []authz.SSOGroup `json:"ssoGroups,omitempty"`
	Properties     map[string]any   `json:"properties,omitempty"`
	Captured       map[string]any   `json:"captured,omitempty"`
}

type action struct {
	Name       string         `json:"name"`
	Properties map[string]any `json:"properties,omitempty"`
}

// UnmarshalJSON also takes the name alone.
func (a *action) UnmarshalJSON(text []byte) error {
	if err := json.Unmarshal(text, &a.Name); err == nil {
		return nil
	}
	type plain action
	return json.Unmarshal(text, (*plain)(a))
}

type resource struct {
	Type       string         `json:"type"`
	ID         string         `json:"id,omitempty"`
	Properties map[string]any `json:"properties,omitempty"`
	Captured   map[string]any `json:"captured,omitempty"`
}

// ParseChecks reads a YAML list of checks. A request mirrors authz.Request; an
// action may be its name alone. A check asks Namespace, at Now, unless it says
// otherwise.
func ParseChecks(text []byte) ([]Check, error) {
	var list []check
	if err := yaml.UnmarshalStrict(text, &list); err != nil {
		return nil, fmt.Errorf("read checks: %w", err)
	}
	return checksOf(list), nil
}

func checksOf(list []check) []Check {
	checks := make([]Check, len(list))
	for i, c := range list {
		checks[i] = Check{Name: c.Name, Request: c.request(), Want: c.Want}
	}
	return checks
}

func (c *check) request() authz.Request {
	when := c.Time
	if when.IsZero() {
		when = Now()
	}
	return authz.Request{
		Namespace: cmp.Or(c.Namespace, Namespace),
		Subject:   authz.Subject(c.Subject),
		Action:    authz.Action(c.Action),
		Resource:  authz.Resource(c.Resource),
		Scope:     c.Scope,
		Context:   c.Context,
		Time:      when,
	}
}

// FormatRequest renders a request as the YAML that ParseChecks reads, for
// reports.
func FormatRequest(r *authz.Request) string {
	text, err := yaml.Marshal(check{
		Namespace: r.Namespace, Subject: subject(r.Subject), Action: action(r.Action),
		Resource: resource(r.Resource), Scope: r.Scope, Context: r.Context, Time: r.Time,
	})
	if err != nil {
		return err.Error()
	}
	return string(text)
}
