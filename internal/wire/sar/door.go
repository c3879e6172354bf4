// SPDX-License-Identifier: Apache-2.0

package sar

import (
	"errors"
	"net/http"
	"strings"
	"sync"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
)

// Name is the door's name in metrics.
const Name = "sar"

// Options are what the door needs.
type Options struct {
	// Asker is the way to the policy. Its Gate must not ask the API server who calls:
	// it is the API server that waits for the answer.
	Asker door.Asker
	// Namespaces finds the namespace of a request.
	Namespaces door.Namespaces
	// Mapping says what the attributes of a review are here.
	Mapping Mapping
}

// Routes returns the door's endpoints: where the API itself has them, so that its
// clients find them too. Either takes both versions of a review, because an API
// server posts whichever it is told to the address that it is given.
func Routes(o Options) []door.Route {
	h := &handler{
		Options: o, calls: sync.Pool{New: func() any { return new(call) }}, contentType: []string{mediaType},
	}
	var routes []door.Route
	for _, prefix := range []string{"", "/ns/{namespace}"} {
		for _, version := range []string{V1, V1Beta1} {
			routes = append(routes, door.Route{
				Door: Name, Method: http.MethodPost, Path: prefix + "/apis/" + version + "/subjectaccessreviews",
				Serve: h.serve, Refuse: h.refuse,
			})
		}
	}
	return routes
}

type handler struct {
	Options
	calls sync.Pool
	// contentType is the header of every answer.
	contentType []string
}

// call is the memory of one call. It is reused for its buffers alone: what it
// holds of a request is gone before the next one sees it.
type call struct {
	body, out []byte
	decoder   Decoder
	request   authz.Request
	decision  authz.Decision
}

func (h *handler) serve(w http.ResponseWriter, r *http.Request) error {
	namespace, err := h.Namespaces.OfPath(r)
	if err != nil {
		return err
	}
	origin, err := h.Asker.Admit(r.Context(), door.RequestCredentials(r),
		door.RequestOrigin(w, namespace), door.PermissionCheck)
	if err != nil {
		return err
	}
	c, _ := h.calls.Get().(*call)
	defer h.put(c)
	if c.body, err = door.ReadBody(r, c.body); err != nil {
		return err
	}
	policy, err := h.Asker.Policy(origin)
	if err != nil {
		return err
	}
	version, err := h.decide(c, r.Header, &policy)
	if err != nil {
		return err
	}
	c.out = append(AppendReview(c.out[:0], version, &c.decision), '\n')
	h.write(w, http.StatusCreated, c.out) // as the API answers who creates something
	return nil
}

// decide decides the review in c.body, and returns the version to answer in.
func (h *handler) decide(c *call, header http.Header, policy *door.Policy) (version string, err error) {
	review, err := c.review(header)
	if err != nil {
		policy.Refused(err)
		return "", err
	}
	h.Mapping.Request(review, &c.request)
	if err := policy.Check(&c.request, &c.decision); err != nil {
		return "", named(err, review)
	}
	return review.Version, nil
}

// review reads c.body, which is what the headers say.
func (c *call) review(header http.Header) (*Review, error) {
	switch kind, err := mediaTypeOf(header); {
	case err != nil:
		return nil, err
	case kind == mediaTypeProtobuf:
		if c.body, err = FromProtobuf(c.body); err != nil {
			return nil, err
		}
	}
	return c.decoder.Review(c.body)
}

func (h *handler) put(c *call) {
	if cap(c.body) > door.MaxKept || cap(c.out) > door.MaxKept {
		return
	}
	c.request = authz.Request{}
	c.decoder.Forget()
	clear(c.decision.Roles)
	c.decision.Reset()
	h.calls.Put(c)
}

// named calls the field of a request that cannot be decided as a review does.
func named(err error, v *Review) error {
	e, ok := errors.AsType[*authz.RequestError](err)
	if !ok {
		return err
	}
	fault, attributes, groups := *e, "spec.resourceAttributes.", "spec.groups"
	if v.Resource == nil {
		attributes = "spec.nonResourceAttributes."
	}
	if v.Version == V1Beta1 {
		groups = "spec.group"
	}
	switch rest, isGroup := strings.CutPrefix(fault.Field, "subject.groups"); {
	case isGroup:
		fault.Field = groups + rest
	case fault.Field == "subject.id":
		fault.Field = "spec.user"
	case fault.Field == "action.name":
		fault.Field = attributes + "verb"
	case fault.Field == "resource.type":
		fault.Field = attributes + "resource"
	case fault.Field == "scope":
		fault.Field = attributes + "namespace"
	}
	return &fault
}

// refuse writes an error. An API server waits as long as it is advised to before it
// asks again, ten times over, and its users with it: without advice it does at once
// what its failurePolicy says.
func (h *handler) refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Del("Retry-After")
	h.write(w, status, append(AppendStatus(nil, status, message), '\n'))
}

// write writes an answer. A client that is gone is no news to anyone.
func (h *handler) write(w http.ResponseWriter, status int, body []byte) {
	w.Header()["Content-Type"] = h.contentType[:1:1]
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
