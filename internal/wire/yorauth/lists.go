// SPDX-License-Identifier: Apache-2.0

package yorauth

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/wire/ijson"
)

// user is the request that asks about a user, in the scope of the query.
func user(r *http.Request) (*authz.Request, error) {
	scopes := r.URL.Query()["scope"]
	if len(scopes) > 1 {
		return nil, door.BadRequest("scope: stands in the query " + strconv.Itoa(len(scopes)) + " times; say it once")
	}
	about := &authz.Request{Subject: authz.Subject{Type: "user", ID: r.PathValue("user")}}
	if len(scopes) == 1 {
		about.Scope = scopes[0]
	}
	return about, nil
}

// held returns what a user's roles are, and what they allow whatever the resource.
func (c *call) held(r *http.Request) (*authz.Request, []authz.HeldRole, error) {
	about, err := user(r)
	if err != nil {
		c.policy.Refused(err)
		return nil, nil, err
	}
	roles, err := c.policy.Held(about)
	return about, roles, err
}

// permissions answers with what a user may do for certain, and by which roles.
func (c *call) permissions(r *http.Request) error {
	about, roles, err := c.held(r)
	if err != nil {
		return err
	}
	all, err := c.policy.Permissions(about)
	if err != nil {
		return err
	}
	var allowed, ids []string
	for _, p := range all {
		if p.Outlook == authz.Allowed {
			allowed = append(allowed, p.Resource+":"+p.Action)
		}
	}
	for _, role := range roles {
		ids = append(ids, role.Role)
	}
	c.out = append(c.out, `{"data":{"user_id":`...)
	c.out = ijson.AppendText(c.out, about.Subject.ID)
	c.out = append(c.out, `,"scope":`...)
	c.out = appendScope(c.out, about.Scope)
	c.out = append(c.out, `,"permissions":`...)
	c.out = appendTexts(c.out, allowed)
	c.out = append(c.out, `,"roles":`...)
	c.out = appendTexts(c.out, slices.Compact(ids))
	c.out = append(c.out, "}}\n"...)
	return nil
}

// roles answers with the roles that a user holds, on one page. An assignment has no
// id of its own here, nor times: it is the field of an object.
func (c *call) roles(r *http.Request) error {
	about, roles, err := c.held(r)
	if err != nil {
		return err
	}
	c.out = append(c.out, `{"data":[`...)
	for i, role := range roles {
		if i > 0 {
			c.out = append(c.out, ',')
		}
		c.out = append(c.out, `{"user_id":`...)
		c.out = ijson.AppendText(c.out, about.Subject.ID)
		c.out = append(c.out, `,"role_id":`...)
		c.out = ijson.AppendText(c.out, role.Role)
		c.out = append(c.out, `,"scope":`...)
		scope := role.Scope
		if scope == authz.Wildcard {
			scope = ""
		}
		c.out = appendScope(c.out, scope)
		c.out = append(c.out, `,"conditional":`...)
		c.out = strconv.AppendBool(c.out, role.Conditional)
		c.out = append(c.out, '}')
	}
	c.out = append(c.out, `],"meta":{"current_page":1,"last_page":1,"total":`...)
	c.out = strconv.AppendInt(c.out, int64(len(roles)), 10)
	c.out = append(c.out, `},"links":{"first":null,"last":null,"prev":null,"next":null}}`+"\n"...)
	return nil
}

// appendScope appends a scope; null is everywhere, or none.
func appendScope(b []byte, scope string) []byte {
	if scope == "" {
		return append(b, "null"...)
	}
	return ijson.AppendText(b, scope)
}

func appendTexts(b []byte, texts []string) []byte {
	b = append(b, '[')
	for i, text := range texts {
		if i > 0 {
			b = append(b, ',')
		}
		b = ijson.AppendText(b, text)
	}
	return append(b, ']')
}

// every decides a permission that stands for several: it is allowed if each
// declared one that it means is, and there is one. The decision is that of the
// first that is denied, or of all.
func (c *call) every(check *Check, p permission, d *authz.Decision) error {
	request := check.request(p)
	declared, err := c.policy.Permissions(&authz.Request{Subject: request.Subject, Scope: request.Scope, Context: request.Context})
	if err != nil {
		return err
	}
	var roles []string
	asked := false
	for _, one := range declared {
		if !p.means(one) {
			continue
		}
		asked = true
		request.Resource.Type, request.Action.Name = one.Resource, one.Action
		if err := c.policy.Check(&request, d); err != nil || !d.Allowed {
			return err
		}
		roles = append(roles, d.Roles...)
	}
	if !asked { // nobody declares what it means, which is what a check says of a name
		return c.policy.Check(&request, d)
	}
	slices.Sort(roles)
	d.Roles = slices.Compact(roles)
	return nil
}

func (p permission) means(one authz.Permission) bool {
	return (p.resource == authz.Wildcard || p.resource == one.Resource) && (p.action == authz.Wildcard || p.action == one.Action)
}
