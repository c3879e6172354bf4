// SPDX-License-Identifier: Apache-2.0

package authz_test

import (
	"errors"
	"testing"
	"time"

	"github.com/rolecall/rolecall/internal/authz"
)

func valid() authz.Request {
	return authz.Request{
		Namespace: "app", Time: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		Subject:  authz.Subject{Type: "user", ID: "alice"},
		Action:   authz.Action{Name: "read"},
		Resource: authz.Resource{Type: "document"},
	}
}

func TestValidate(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*authz.Request)
		field  string // empty: the request is valid
	}{
		"a request without a scope and an instance":   {change: func(*authz.Request) {}},
		"a scope with a segment below another":        {change: func(r *authz.Request) { r.Scope = "org:acme/team:web" }},
		"no moment":                                   {func(r *authz.Request) { r.Time = time.Time{} }, "time"},
		"no type of resource":                         {func(r *authz.Request) { r.Resource.Type = "" }, "resource.type"},
		"no action":                                   {func(r *authz.Request) { r.Action.Name = "" }, "action.name"},
		"no type of subject":                          {func(r *authz.Request) { r.Subject.Type = "" }, "subject.type"},
		"a subject that says it is a group":           {func(r *authz.Request) { r.Subject.Type = "group" }, "subject.type"},
		"a subject that says it is an e-mail domain":  {func(r *authz.Request) { r.Subject.Type = "email_domain" }, "subject.type"},
		"a subject that says it is an SSO connection": {func(r *authz.Request) { r.Subject.Type = "sso_connection" }, "subject.type"},
		"a subject that says it is an SSO group":      {func(r *authz.Request) { r.Subject.Type = "sso_group" }, "subject.type"},
		"an empty id":                                 {func(r *authz.Request) { r.Subject.ID = "" }, "subject.id"},
		"the wildcard as an id":                       {func(r *authz.Request) { r.Subject.ID = "*" }, "subject.id"},
		"the wildcard as a group":                     {func(r *authz.Request) { r.Subject.Groups = []string{"a", "*"} }, "subject.groups[1]"},
		"an empty group":                              {func(r *authz.Request) { r.Subject.Groups = []string{""} }, "subject.groups[0]"},
		"an empty role":                               {func(r *authz.Request) { r.Subject.Roles = []string{"a", ""} }, "subject.roles[1]"},
		"the wildcard as an SSO connection":           {func(r *authz.Request) { r.Subject.SSOConnections = []string{"*"} }, "subject.sso_connections[0]"},
		"an SSO group without a connection":           {func(r *authz.Request) { r.Subject.SSOGroups = []authz.SSOGroup{{ID: "it"}} }, "subject.sso_groups[0].connection"},
		"the wildcard as an SSO group":                {func(r *authz.Request) { r.Subject.SSOGroups = []authz.SSOGroup{{Connection: "c", ID: "*"}} }, "subject.sso_groups[0].id"},
		"a scope with an empty segment":               {func(r *authz.Request) { r.Scope = "org:acme//web" }, "scope"},
		"the wildcard as a scope":                     {func(r *authz.Request) { r.Scope = "*" }, "scope"},
		"a session that belongs nowhere":              {func(r *authz.Request) { r.Subject.SessionScope = "/" }, "subject.session_scope"},
	} {
		t.Run(name, func(t *testing.T) {
			r := valid()
			tc.change(&r)
			err := r.Validate()
			var invalid *authz.RequestError
			switch {
			case tc.field == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tc.field != "" && (!errors.As(err, &invalid) || invalid.Field != tc.field):
				t.Errorf("error %v, want a RequestError for %s", err, tc.field)
			}
		})
	}
}

func TestScopeCovers(t *testing.T) {
	for _, tc := range []struct {
		held, asked string
		want        bool
	}{
		{"*", "", true},
		{"*", "org:acme", true},
		{"org:acme", "org:acme", true},
		{"org:acme", "org:acme/team:web", true},
		{"org:acme", "org:acme2", false},
		{"org:acme/team:web", "org:acme", false},
		{"org:acme", "", false},
		{"", "", false},
		{"", "org:acme", false},
		{"org:acme", "ORG:ACME", false},
	} {
		if got := authz.ScopeCovers(tc.held, tc.asked); got != tc.want {
			t.Errorf("ScopeCovers(%q, %q) = %v, want %v", tc.held, tc.asked, got, tc.want)
		}
	}
}

func TestEscapeSegment(t *testing.T) {
	for id, want := range map[string]string{
		"acme": "acme", "a/b": "a%2Fb", "a%2Fb": "a%252Fb", "100%": "100%25", "%": "%25", "": "", "ä b": "ä b",
	} {
		got := authz.EscapeSegment(id)
		if got != want {
			t.Errorf("EscapeSegment(%q) = %q, want %q", id, got, want)
		}
		if back := authz.UnescapeSegment(got); back != id {
			t.Errorf("UnescapeSegment(%q) = %q, want %q", got, back, id)
		}
	}
}

func TestEmailDomain(t *testing.T) {
	for email, want := range map[string]string{
		"carol@acme.com":       "acme.com",
		"carol@ACME.Com":       "acme.com",
		"carol@ÄCME.com":       "Äcme.com", // only ASCII letters are folded
		"carol":                "",
		"@acme.com":            "",
		"carol@":               "",
		"carol@evil@acme.com":  "",
		"carol@acme.com@evil.": "",
		"":                     "",
	} {
		if got := authz.EmailDomain(email); got != want {
			t.Errorf("EmailDomain(%q) = %q, want %q", email, got, want)
		}
	}
}

func TestReasonsHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range authz.Reasons() {
		if name := r.String(); name == "" || seen[name] {
			t.Errorf("reason %d is called %q, which is nothing or another's name", r, name)
		} else {
			seen[name] = true
		}
	}
	if len(seen) != int(authz.ReasonNoRole) {
		t.Errorf("%d reasons are listed, want all %d", len(seen), authz.ReasonNoRole)
	}
	var zero authz.Decision
	if zero.Allowed || zero.Reason.String() != "" || authz.Reason(200).String() != "" {
		t.Error("no decision is something other than a deny without a reason")
	}
}
