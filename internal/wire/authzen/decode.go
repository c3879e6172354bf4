// SPDX-License-Identifier: Apache-2.0

package authzen

import (
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
)

// evaluation is the part of a body that asks one thing. A nil member is absent.
type evaluation struct {
	Subject  *entity        `json:"subject"`
	Action   *action        `json:"action"`
	Resource *resource      `json:"resource"`
	Context  map[string]any `json:"context"`
}

type entity struct {
	Type       string         `json:"type"`
	ID         string         `json:"id"`
	Properties map[string]any `json:"properties"`
}

// resource is an entity that may say, by an empty id, that it is no one instance.
type resource struct {
	Type       string         `json:"type"`
	ID         *string        `json:"id"`
	Properties map[string]any `json:"properties"`
}

type action struct {
	Name       string         `json:"name"`
	Properties map[string]any `json:"properties"`
}

// evaluations is the body of a batch: defaults, and items that stay bytes until
// they are asked for, so that the fault of one is not the fault of all.
type evaluations struct {
	evaluation
	Items   []jsontext.Value `json:"evaluations"`
	Options struct {
		Semantic *string `json:"evaluations_semantic"`
		Context  bool    `json:"context"`
	} `json:"options"`
}

// Semantic says when a batch ends.
type Semantic string

// The semantics of a batch. Under the two that end early the answers end with
// the item that decided; an item that fails counts as a deny.
const (
	ExecuteAll          Semantic = "execute_all"
	DenyOnFirstDeny     Semantic = "deny_on_first_deny"
	PermitOnFirstPermit Semantic = "permit_on_first_permit"
)

// ends reports whether a batch is over after an item with this decision.
func (s Semantic) ends(allowed bool) bool {
	return (s == DenyOnFirstDeny && !allowed) || (s == PermitOnFirstPermit && allowed)
}

// Batch is a decoded evaluations request. It is read only and keeps nothing of
// the bytes that it was decoded from.
type Batch struct {
	// Semantic is ExecuteAll unless the request says otherwise.
	Semantic Semantic
	// WithContext says that the answer to each item shall hold its context.
	WithContext bool

	defaults authz.Request
	// nameless says that the resource of the defaults lacks its id: a fault of
	// the items that use it.
	nameless bool
	items    []jsontext.Value
}

// DecodeEvaluation reads the body of an evaluation request into r: everything
// but the namespace and the time. A body that is no evaluation request is a
// *door.Error with the status 400. What a request lacks is left to its
// Validate.
func DecodeEvaluation(body []byte, r *authz.Request) error {
	var e evaluation
	if err := unmarshal(body, &e); err != nil {
		return err
	}
	*r = authz.Request{}
	if err := e.overlay(r); err != nil {
		return err
	}
	return named(e.Resource.nameless())
}

// nameless reports whether a resource says its type and not its id.
func (r *resource) nameless() bool {
	return r != nil && r.Type != "" && r.ID == nil
}

// named refuses a resource without an id, which the standard requires.
func named(nameless bool) error {
	if nameless {
		return door.BadRequest(`resource.id is required; if the check is about no one instance, say so by ""`)
	}
	return nil
}

// DecodeEvaluations reads the body of an evaluations request with at most limit
// evaluations. Faults of the whole are a *door.Error with the status 400; those
// of one item appear when the item is asked for.
func DecodeEvaluations(body []byte, limit int) (*Batch, error) {
	var e evaluations
	if err := unmarshal(body, &e); err != nil {
		return nil, err
	}
	if len(e.Items) > limit {
		return nil, door.BadRequest(fmt.Sprintf(
			"evaluations: %d are more than the %d that this server takes at once", len(e.Items), limit))
	}
	b := &Batch{
		Semantic: ExecuteAll, WithContext: e.Options.Context,
		nameless: e.Resource.nameless(), items: e.Items,
	}
	if e.Options.Semantic != nil {
		b.Semantic = Semantic(*e.Options.Semantic)
	}
	if err := b.Semantic.validate(); err != nil {
		return nil, err
	}
	return b, e.overlay(&b.defaults)
}

func (s Semantic) validate() error {
	switch s {
	case ExecuteAll, DenyOnFirstDeny, PermitOnFirstPermit:
		return nil
	}
	return door.BadRequest(fmt.Sprintf("options.evaluations_semantic: %q is not one of %s, %s, %s",
		string(s), ExecuteAll, DenyOnFirstDeny, PermitOnFirstPermit))
}

// Len returns the number of items. A batch without items asks one thing, its
// Defaults, and is answered as a single evaluation.
func (b *Batch) Len() int {
	return len(b.items)
}

// Defaults writes what the batch says for all its items to r.
func (b *Batch) Defaults(r *authz.Request) error {
	*r = b.defaults
	return named(b.nameless)
}

// Request writes item i to r: the batch's defaults, each replaced whole by what
// the item says of its own. The scope of the defaults stays unless the item's
// context has one.
func (b *Batch) Request(i int, r *authz.Request) error {
	var e evaluation
	if err := unmarshal(b.items[i], &e); err != nil {
		return err
	}
	*r = b.defaults
	if err := e.overlay(r); err != nil {
		return err
	}
	if e.Resource != nil {
		return named(e.Resource.nameless())
	}
	return named(b.nameless)
}

// overlay writes to r what e has, and leaves the rest as it is.
func (e *evaluation) overlay(r *authz.Request) error {
	if e.Resource != nil {
		r.Resource = authz.Resource{Type: e.Resource.Type, Properties: e.Resource.Properties}
		if e.Resource.ID != nil {
			r.Resource.ID = *e.Resource.ID
		}
	}
	if e.Action != nil {
		r.Action = authz.Action{Name: e.Action.Name, Properties: e.Action.Properties}
	}
	if e.Context != nil {
		r.Context = e.Context
		if err := setScope(e.Context, r); err != nil {
			return err
		}
	}
	if e.Subject == nil {
		return nil
	}
	r.Subject = authz.Subject{Type: e.Subject.Type, ID: e.Subject.ID, Properties: e.Subject.Properties}
	return setAuthority(e.Subject.Properties, &r.Subject)
}

func unmarshal(body []byte, into any) error {
	if len(body) == 0 {
		return door.BadRequest("the body is empty; it must be a JSON object")
	}
	if nestsTooDeep(body) {
		return door.BadRequest(fmt.Sprintf("the body nests objects and arrays deeper than %d", maxDepth))
	}
	if err := json.Unmarshal(body, into); err != nil {
		return door.BadRequest(explain(err))
	}
	return nil
}
