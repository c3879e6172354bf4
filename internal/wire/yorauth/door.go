// SPDX-License-Identifier: Apache-2.0

package yorauth

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/wire/ijson"
)

// Name is the door's name in metrics.
const Name = "yorauth"

// Options are what the door needs.
type Options struct {
	// Asker is the way to the policy.
	Asker door.Asker
	// Applications are the namespaces of the applications that are answered for,
	// by the application's id.
	Applications map[string]string
}

// Routes returns the door's endpoints.
func Routes(o Options) []door.Route {
	h := &handler{Options: o, calls: sync.Pool{New: func() any { return new(call) }}, contentType: []string{mediaType}}
	const application = "/api/v1/applications/{application}"
	return []door.Route{
		h.route(door.PermissionCheck, http.MethodPost, application+"/authz/check", (*call).check),
		h.route(door.PermissionCheck, http.MethodGet, application+"/authz/check", (*call).checkQuery),
		h.route(door.PermissionCheck, http.MethodPost, application+"/authz/check-bulk", (*call).bulk),
		h.route(door.PermissionSearch, http.MethodGet, application+"/users/{user}/permissions", (*call).permissions),
		h.route(door.PermissionSearch, http.MethodGet, application+"/users/{user}/roles", (*call).roles),
	}
}

func (h *handler) route(p door.Permission, method, path string, serve func(*call, *http.Request) error) door.Route {
	r := door.Route{Door: Name, Method: method, Path: path, Serve: h.endpoint(p, serve), Refuse: h.refuse}
	if method == http.MethodPost {
		r.MediaType = mediaType
	}
	return r
}

type handler struct {
	Options
	calls sync.Pool
	// contentType is a header of every answer.
	contentType []string
}

// call is the memory of one call. It is reused for its buffers alone.
type call struct {
	*handler
	policy    door.Policy
	body, out []byte
	scanner   ijson.Scanner
	question  Check
	request   authz.Request
	decision  authz.Decision
}

func (h *handler) put(c *call) {
	if cap(c.body) > door.MaxKept || cap(c.out) > door.MaxKept {
		return
	}
	c.scanner.Reset("")
	clear(c.decision.Roles)
	c.decision.Reset()
	c.policy, c.question, c.request = door.Policy{}, Check{}, authz.Request{}
	h.calls.Put(c)
}

// endpoint wraps what differs between the endpoints, which writes c.out.
func (h *handler) endpoint(p door.Permission, serve func(*call, *http.Request) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		namespace, err := h.namespace(r)
		if err != nil {
			return err
		}
		origin := door.RequestOrigin(w, namespace)
		if origin, err = h.Asker.Admit(r.Context(), door.RequestCredentials(r), origin, p); err != nil {
			return err
		}
		c, _ := h.calls.Get().(*call)
		defer h.put(c)
		c.handler, c.out = h, c.out[:0]
		if c.policy, err = h.Asker.Policy(origin); err != nil {
			return err
		}
		err = serve(c, r)
		if e, ok := errors.AsType[*refused](err); ok {
			h.envelope(w, e.cause.Status, e.code, e.cause.Message)
			return nil
		}
		if err != nil {
			return named(err)
		}
		door.SetContent(w.Header(), h.contentType[:1:1], len(c.out))
		_, _ = w.Write(c.out) // a client that is gone is no news to anyone
		return nil
	}
}

func (h *handler) namespace(r *http.Request) (string, error) {
	application := r.PathValue("application")
	if namespace, ok := h.Applications[application]; ok {
		return namespace, nil
	}
	return "", &door.Error{
		Status:  http.StatusNotFound,
		Message: fmt.Sprintf("the application %q is not one of yorAuth.applications in this server's configuration", application),
	}
}

// named calls the field of a request that cannot be decided by the vendor's name.
func named(err error) error {
	e, ok := errors.AsType[*authz.RequestError](err)
	if !ok {
		return err
	}
	fault := *e
	switch fault.Field {
	case "subject.id":
		fault.Field = "user_id"
	case "resource.type", "action.name":
		fault.Field = "permission"
	}
	return &fault
}

func (c *call) read(r *http.Request) (*Check, error) {
	var err error
	if c.body, err = door.ReadBody(r, c.body); err != nil {
		return nil, err
	}
	if err := c.question.decode(&c.scanner, c.body); err != nil {
		c.policy.Refused(err)
		return nil, err
	}
	return &c.question, nil
}

func (c *call) check(r *http.Request) error {
	check, err := c.read(r)
	if err != nil {
		return err
	}
	return c.single(check)
}

func (c *call) checkQuery(r *http.Request) error {
	check, err := QueryCheck(r.URL.Query())
	if err != nil {
		c.policy.Refused(err)
		return err
	}
	return c.single(check)
}

// single answers a check.
func (c *call) single(check *Check) error {
	d := &c.decision
	if err := c.decide(check, "permission", check.Permission, d); err != nil {
		return err
	}
	c.out = append(c.out, `{"allowed":`...)
	c.out = strconv.AppendBool(c.out, d.Allowed)
	c.out = append(c.out, `,"permission":`...)
	c.out = ijson.AppendText(c.out, check.Permission)
	c.out = append(c.out, `,"cached":false`...)
	if check.attributes() {
		c.out = append(c.out, `,"abac_evaluated":true`...)
	}
	c.out = append(c.out, `,"reason":`...)
	c.out = ijson.AppendText(c.out, d.Reason.String())
	c.out = append(c.out, `,"roles":`...)
	c.out = appendTexts(c.out, d.Roles)
	c.out = append(c.out, "}\n"...)
	return nil
}

// bulk answers a check-bulk. One permission that cannot be decided refuses all:
// the answer has no place for an error.
func (c *call) bulk(r *http.Request) error {
	check, err := c.read(r)
	if err != nil {
		return err
	}
	if err := bounded(len(check.Permissions)); err != nil {
		c.policy.Refused(err)
		return err
	}
	c.out = append(c.out, `{"user_id":`...)
	c.out = ijson.AppendText(c.out, check.User)
	c.out = append(c.out, `,"results":{`...)
	answered := make(map[string]bool, len(check.Permissions))
	for i, text := range check.Permissions {
		if answered[text] {
			continue
		}
		if len(answered) > 0 {
			c.out = append(c.out, ',')
		}
		answered[text] = true
		d := &c.decision
		d.Reset()
		if err := c.decide(check, fmt.Sprintf("permissions[%d]", i), text, d); err != nil {
			return err
		}
		c.out = ijson.AppendText(c.out, text)
		c.out = append(c.out, ':')
		c.out = strconv.AppendBool(c.out, d.Allowed)
	}
	c.out = append(c.out, "}}\n"...)
	return nil
}

func bounded(n int) error {
	switch {
	case n == 0:
		return door.BadRequest("permissions: is required and must name at least one permission")
	case n > MaxBulk:
		return &refused{codeTooMany, door.BadRequest(fmt.Sprintf(
			"permissions: holds %d, and at most %d may be asked for at once; ask in parts", n, MaxBulk))}
	}
	return nil
}

// decide decides one permission of a check.
func (c *call) decide(check *Check, field, text string, d *authz.Decision) error {
	p, err := parse(field, text)
	if err == nil && check.User == "" {
		err = door.BadRequest("user_id: is required and must not be empty")
	}
	if err != nil {
		c.policy.Refused(err)
		return err
	}
	if p.wild() {
		return c.every(check, p, d)
	}
	c.request = check.request(p)
	return c.policy.Check(&c.request, d)
}
