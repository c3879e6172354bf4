// SPDX-License-Identifier: Apache-2.0

package yorauth

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/wire/ijson"
)

// MaxBulk is how many permissions one check-bulk may ask for: the vendor's limit.
const MaxBulk = 50

// Check is the body of a check or of a check-bulk.
type Check struct {
	// User is the user's id.
	User string
	// Permission is what a check asks for, and Permissions what a check-bulk does.
	Permission  string
	Permissions []string
	// Scope is the tenant; empty if there is none.
	Scope string
	// Resource and Context are attributes for conditions; nil if the body has
	// none.
	Resource, Context map[string]any
}

// DecodeCheck reads the body of a check. Members that it does not know have no
// meaning. The error is a *door.Error with the status 400.
//
// Source: the vendor's "Permissions" pages and its JavaScript SDK.
func DecodeCheck(body []byte) (*Check, error) {
	var c Check
	var s ijson.Scanner
	if err := c.decode(&s, body); err != nil {
		return nil, err
	}
	return &c, nil
}

// decode reads a body into an empty check.
func (c *Check) decode(s *ijson.Scanner, body []byte) error {
	s.Reset(string(body))
	if s.Object() {
		for s.Member() {
			c.member(s)
		}
	}
	if err := s.End(); err != nil {
		return door.BadRequest(err.Error())
	}
	return nil
}

func (c *Check) member(s *ijson.Scanner) {
	switch s.Name() {
	case "user_id":
		c.User, _ = s.Text()
	case "permission":
		c.Permission, _ = s.Text()
	case "permissions":
		if s.Array() {
			for s.Element() {
				p, _ := s.Text()
				c.Permissions = append(c.Permissions, p)
			}
		}
	case "scope":
		c.Scope, _ = s.Text()
	case "resource":
		c.Resource = s.Map(nil)
	case "context":
		c.Context = s.Map(nil)
	default:
		s.Skip()
	}
}

// QueryCheck reads a check from a query, which has no attributes.
func QueryCheck(q url.Values) (*Check, error) {
	for _, name := range []string{"user_id", "permission", "scope"} {
		if len(q[name]) > 1 {
			return nil, door.BadRequest(fmt.Sprintf("%s: stands in the query %d times; say it once", name, len(q[name])))
		}
	}
	return &Check{User: q.Get("user_id"), Permission: q.Get("permission"), Scope: q.Get("scope")}, nil
}

// attributes reports whether a check brings attributes for conditions.
func (c *Check) attributes() bool {
	return c.Resource != nil || c.Context != nil
}

// request makes a check the core's request for one permission, which has no
// wildcard.
func (c *Check) request(p permission) authz.Request {
	r := authz.Request{
		Subject:  authz.Subject{Type: "user", ID: c.User},
		Action:   authz.Action{Name: p.action},
		Resource: authz.Resource{Type: p.resource, Properties: c.Resource},
		Scope:    c.Scope,
		Context:  c.Context,
	}
	r.Resource.ID, _ = c.Resource["id"].(string)
	return r
}

// permission is what is asked for: an action of a type of resources. Either may be
// the wildcard, which stands for all that are declared.
type permission struct {
	resource, action string
}

// parse reads a permission: two names, or wildcards, and a colon between them.
func parse(field, text string) (permission, error) {
	resource, action, ok := strings.Cut(text, ":")
	if !ok || !segment(resource) || !segment(action) {
		return permission{}, door.BadRequest(fmt.Sprintf(
			"%s: %q is not a permission; it must be resource:action, each of letters, digits, _ and -, or * alone", field, text))
	}
	return permission{resource, action}, nil
}

// segment reports whether a text may stand on one side of the colon.
func segment(text string) bool {
	if text == authz.Wildcard {
		return true
	}
	for i := range len(text) {
		switch b := text[i]; {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9', b == '_', b == '-':
		default:
			return false
		}
	}
	return text != ""
}

// wild reports whether a permission stands for more than one action.
func (p permission) wild() bool {
	return p.resource == authz.Wildcard || p.action == authz.Wildcard
}
