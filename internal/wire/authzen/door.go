// SPDX-License-Identifier: Apache-2.0

package authzen

import (
	"context"
	"net/http"
	"strings"
	"sync"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/wire/ijson"
)

// Name is the door's name in metrics.
const Name = "authzen"

const mediaType = "application/json"

// Options are what the door needs.
type Options struct {
	// Asker is the way to the policy.
	Asker door.Asker
	// Sessions verifies the tokens that subjects carry.
	Sessions door.Sessions
	// DefaultNamespace is meant by paths without a namespace; if it is empty
	// they are 404.
	DefaultNamespace string
	// MaxEvaluations bounds the evaluations of one batch.
	MaxEvaluations int
	// Search bounds searches.
	Search SearchLimits
	// URL is where clients reach the endpoints of the default namespace, an https URL
	// without a slash at its end; empty if nobody has said, and then there is no
	// metadata.
	URL string
}

// Routes returns the door's endpoints.
func Routes(o Options) []door.Route {
	h := &handler{
		Options: o, calls: sync.Pool{New: func() any { return new(call) }}, contentType: []string{mediaType},
		searching: make(chan struct{}, o.Search.Concurrent),
	}
	var routes []door.Route
	for _, prefix := range []string{"", "/ns/{namespace}"} {
		routes = append(routes,
			route(prefix+pathEvaluation, h.endpoint(door.PermissionCheck, (*call).evaluation)),
			route(prefix+pathEvaluations, h.endpoint(door.PermissionCheck, (*call).evaluations)),
			route(prefix+pathSubjects, h.endpoint(door.PermissionSearch, search(authz.Subjects))),
			route(prefix+pathResources, h.endpoint(door.PermissionSearch, search(authz.Resources))),
			route(prefix+pathActions, h.endpoint(door.PermissionSearch, search(authz.Actions))),
			route(prefix+pathExplanation, h.endpoint(door.PermissionExplain, (*call).explanation)))
	}
	return append(routes, h.metadataRoutes()...)
}

func route(path string, serve func(http.ResponseWriter, *http.Request) error) door.Route {
	return door.Route{
		Door: Name, Method: http.MethodPost, Path: path, MediaType: mediaType,
		Serve: serve, Refuse: Refuse,
	}
}

// Refuse writes an error: the message as a JSON string. (The standard asks for
// "an error message string" and leaves its form open.)
func Refuse(w http.ResponseWriter, status int, message string) {
	w.Header()["Content-Type"] = []string{mediaType}
	w.WriteHeader(status)
	write(w, append(ijson.AppendText(nil, message), '\n'))
}

// write writes an answer. A client that is gone is no news to anyone.
func write(w http.ResponseWriter, body []byte) {
	_, _ = w.Write(body)
}

type handler struct {
	Options
	calls sync.Pool
	// contentType is the header of every answer.
	contentType []string
	// searching holds a place for each search that is under way.
	searching chan struct{}
}

// call is the memory of one call. It is reused for its buffers alone: what it
// holds of a request is gone before the next one sees it.
type call struct {
	handler   *handler
	policy    door.Policy
	body, out []byte
	decoder   Decoder
	request   authz.Request
	decision  authz.Decision
	// shared is the session of the token in the defaults of a batch, once it has
	// been verified.
	shared *door.Session
}

// endpoint wraps the part that differs between the endpoints, which reads c.body
// and writes c.out, and is for callers with a permission.
func (h *handler) endpoint(
	permission door.Permission, answer func(*call, *http.Request) error,
) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		namespace, err := door.Namespaces{Default: h.DefaultNamespace}.OfPath(r)
		if err != nil {
			return err
		}
		origin, err := h.Asker.Admit(r.Context(), door.RequestCredentials(r),
			door.RequestOrigin(w, namespace), permission)
		if err != nil {
			return err
		}
		c, _ := h.calls.Get().(*call)
		defer h.put(c)
		c.handler, c.out = h, c.out[:0]
		if c.body, err = door.ReadBody(r, c.body); err != nil {
			return err
		}
		if c.policy, err = h.Asker.Policy(origin); err != nil {
			return err
		}
		if err := answer(c, r); err != nil {
			return err
		}
		c.out = append(c.out, '\n')
		door.SetContent(w.Header(), h.contentType[:1:1], len(c.out))
		write(w, c.out)
		return nil
	}
}

func (h *handler) put(c *call) {
	if cap(c.body) > door.MaxKept || cap(c.out) > door.MaxKept {
		return
	}
	c.policy, c.request, c.shared = door.Policy{}, authz.Request{}, nil
	c.decoder.Forget()
	clear(c.decision.Roles)
	c.decision.Reset()
	h.calls.Put(c)
}

func (c *call) evaluation(r *http.Request) error {
	proof, err := c.decoder.Evaluation(c.body, &c.request)
	return c.single(r.Context(), proof, err)
}

// single decides and answers c.request, if it could be decoded.
func (c *call) single(ctx context.Context, proof Proof, err error) error {
	if err := c.decide(ctx, proof, err); err != nil {
		return err
	}
	c.out = AppendDecision(c.out, &c.decision, c.policy.Revision(), true)
	return nil
}

// decide decides c.request, if it could be decoded and the subject's token is
// good.
func (c *call) decide(ctx context.Context, proof Proof, err error) error {
	if err := c.ready(ctx, proof, err); err != nil {
		return err
	}
	return c.check()
}

// ready makes sure that c.request could be decoded and that the subject's token is
// good.
func (c *call) ready(ctx context.Context, proof Proof, err error) error {
	if err == nil && proof.Given() {
		err = c.prove(ctx, proof)
	}
	if err != nil {
		c.policy.Refused(err)
	}
	return err
}

func (c *call) evaluations(r *http.Request) error {
	batch, err := c.decoder.Evaluations(c.body, c.handler.MaxEvaluations)
	if err != nil {
		c.policy.Refused(err)
		return err
	}
	if batch.Len() == 0 {
		proof, err := batch.Defaults(&c.request)
		return c.single(r.Context(), proof, err)
	}
	c.out = append(c.out, `{"evaluations":[`...)
	for i := range batch.Len() {
		if err := r.Context().Err(); err != nil {
			return door.GivenUp(err)
		}
		if i > 0 {
			c.out = append(c.out, ',')
		}
		if err := c.item(r.Context(), batch, i); err != nil {
			return err
		}
		if batch.Semantic.ends(c.decision.Allowed) {
			break
		}
	}
	c.out = append(c.out, `]}`...)
	return nil
}

// item decides and answers one item. A request that cannot be decided, or whose
// own token proves nothing, is a denied item; every other error ends the batch.
func (c *call) item(ctx context.Context, batch *Batch, i int) error {
	c.decision.Reset()
	proof, err := batch.Request(i, &c.request)
	if err = c.decide(ctx, proof, err); err == nil {
		c.out = AppendDecision(c.out, &c.decision, c.policy.Revision(), batch.WithContext)
		return nil
	}
	status, message := door.Answer(err)
	if status != http.StatusBadRequest && (status != http.StatusUnauthorized || proof.Shared) {
		return err
	}
	c.out = AppendItemError(c.out, status, message)
	return nil
}

// check decides c.request, and names the fields of a fault as this dialect does.
func (c *call) check() error {
	return Subjects{}.Fault(c.policy.Check(&c.request, &c.decision))
}

// fieldName translates the path of a field of authz.Request to where it stands
// in a body.
func fieldName(field string) string {
	if field == "scope" {
		return "context.scope"
	}
	for _, name := range []string{"roles", "groups", "sso_connections", "sso_groups"} {
		if rest, ok := strings.CutPrefix(field, "subject."+name); ok {
			return "subject.properties." + name + rest
		}
	}
	return field
}
